//! TLS 1.2 against published vectors of the PRF, and against aws-lc's own PRF, which nothing else here uses.

use std::io::IoSlice;

use aws_lc_rs::tls_prf;
use polytls_api::{
    Buffer, CipherSuite, ProtocolVersion,
    record::{ContentType, RecordFraming, Role, TrafficKeys},
};
use proptest::prelude::*;

use super::{
    super::{MasterSecret12, Suite, tls12::prf},
    hex,
};
use crate::crypto::{HashAlgorithm, Secret, SharedSecret, record_cipher};

const HASHES: [HashAlgorithm; 2] = [HashAlgorithm::Sha256, HashAlgorithm::Sha384];

/// The vectors for P_SHA256 and P_SHA384 that were published on the TLS working group's list in 2009.
#[test]
fn the_prf_is_that_of_the_published_vectors() {
    let vectors = [
        (
            HashAlgorithm::Sha256,
            "9bbe436ba940f017b17652849a71db35",
            "a0ba9f936cda311827a6f796ffd5198c",
            "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a6b301791e90d35c9
             c9a46b4e14baf9af0fa022f7077def17abfd3797c0564bab4fbc91666e9def9b97fce34f796789ba
             a48082d122ee42c5a72e5a5110fff70187347b66",
        ),
        (
            HashAlgorithm::Sha384,
            "b80b733d6ceefcdc71566ea48e5567df",
            "cd665cf6a8447dd6ff8b27555edb7465",
            "7b0c18e9ced410ed1804f2cfa34a336a1c14dffb4900bb5fd7942107e81c83cde9ca0faa60be9fe3
             4f82b1233c9146a0e534cb400fed2700884f9dc236f80edd8bfa961144c9e8d792eca722a7b32fc3
             d416d473ebc2c5fd4abfdad05d9184259b5bf8cd4d90fa0d31e2dec479e4f1a26066f2eea9a69236
             a3e52655c9e9aee691c8f3a26854308d5eaa3be85e0990703d73e56f",
        ),
    ];
    for (hash, secret, seed, output) in vectors {
        let expected = hex(output);
        let mut output = vec![0; expected.len()];
        prf(hash, &hex(secret), b"test label", &[&hex(seed)], &mut output);
        assert_eq!(output, expected, "{hash:?}");
    }
}

/// NIST CAVP, TLS 1.2 with SHA-256, the first vector: its master secret and the front of its key block.
#[test]
fn a_master_secret_and_its_keys_are_those_of_cavp() {
    let pre_master = SharedSecret::from_vector(&hex(
        "f8938ecc9edebc5030c0c6a441e213cd24e6f770a50dda07876f8d55da062bcadb386b411fd4fe4313a604fce6c17fbc",
    ));
    let client_hello = random("36c129d01a3200894b9179faac589d9835d58775f9b5ea3587cb8fd0364cae8c");
    let server_hello = random("f6c9575ed7ddd73e1f7d16eca115415812a43c2b747daaaae043abfb50053fce");
    let client_random = random("62e1fd91f23f558a605f28478c58cf72637b89784d959df7e946d3f07bd1b616");
    let server_random = random("ae6c806f8ad4d80784549dff28a4b58fd837681a51d928c3e30ee5ff14f39868");
    let key_block = hex("d06139889fffac1e3a71865f504aa5d0d2a2e89506c6f2279b670c3e1b74f531016a2530c51a3a0f");

    let master = MasterSecret12::plain(HashAlgorithm::Sha256, &pre_master, &client_hello, &server_hello);
    let expected = hex(
        "202c88c00f84a17a20027079604787461176455539e705be730890602c289a5001e34eeb3a043e5d52a65e66125188bf",
    );
    assert_eq!(master.as_secret().as_bytes(), expected);

    let suite = Suite::of(CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256).unwrap();
    let mut keys = master.keys(suite, &client_random, &server_random).unwrap();
    let mut client = from_block(suite, &key_block[..16], &key_block[32..36]);
    let mut server = from_block(suite, &key_block[16..32], &key_block[36..]);
    for _record in 0..2 {
        assert_eq!(record(&mut keys.client), record(&mut client));
        assert_eq!(record(&mut keys.server), record(&mut server));
    }
}

#[test]
fn what_one_side_sends_the_other_opens_with_every_suite() {
    for &id in CipherSuite::NAMED.iter().filter(|id| id.version() == Some(ProtocolVersion::Tls12)) {
        let suite = Suite::of(id).unwrap();
        let master = MasterSecret12::resumed(suite.hash, Secret::of(&[7; 48]));
        let mut client = master.keys(suite, &[1; 32], &[2; 32]).unwrap();
        let mut server = master.keys(suite, &[1; 32], &[2; 32]).unwrap();
        let mut sealed = record(&mut client.client);
        let opened = server.client.open_in_place(ProtocolVersion::Tls12, &mut sealed, 1 << 14);
        assert_eq!(opened.map(|(_, content)| content.len()), Ok(5), "{id}");
        let mut sealed = record(&mut client.client);
        assert!(server.server.open_in_place(ProtocolVersion::Tls12, &mut sealed, 1 << 14).is_err(), "{id}");
    }
}

#[test]
fn a_finished_is_of_one_side_one_transcript_and_one_secret() {
    for hash in HASHES {
        let master = MasterSecret12::resumed(hash, Secret::of(&[7; 48]));
        let (transcript, other) = (hash.hash(b"messages"), hash.hash(b"massages"));
        let own = master.verify_data(Role::Client, &transcript);
        assert!(master.verify(Role::Client, &transcript, &own).is_ok());
        assert!(master.verify(Role::Server, &transcript, &own).is_err());
        assert!(master.verify(Role::Client, &other, &own).is_err());
        assert!(master.verify(Role::Client, &transcript, &own[..11]).is_err());
        assert!(master.verify(Role::Client, &transcript, &[]).is_err());
    }
}

#[test]
fn an_exporter_tells_no_context_from_an_empty_one_and_keeps_tls_own_labels() {
    let master = MasterSecret12::resumed(HashAlgorithm::Sha256, Secret::of(&[7; 48]));
    let export = |label: &[u8], context: Option<&[u8]>, len: usize| {
        let mut out = vec![0; len];
        master.export(&[1; 32], &[2; 32], label, context, &mut out).map(|()| out)
    };
    let without = export(b"EXPORTER-test", None, 32).unwrap();
    assert_ne!(without, export(b"EXPORTER-test", Some(&[]), 32).unwrap());
    assert_ne!(without, export(b"EXPORTER-best", None, 32).unwrap());
    assert_eq!(without[..], export(b"EXPORTER-test", None, 64).unwrap()[..32]);
    for label in ["client finished", "server finished", "key expansion", "master secret"] {
        assert!(export(label.as_bytes(), None, 32).is_err(), "{label}");
    }
    assert!(export(b"EXPORTER-test", Some(&[0; 65_536]), 32).is_err());
    assert!(export(b"EXPORTER-test", None, 0).is_err());
    assert!(export(b"EXPORTER-test", None, 255 * 32 + 1).is_err());
    assert!(export(b"EXPORTER-test", None, 255 * 32).is_ok());
}

proptest! {
    #[test]
    fn master_secrets_and_exports_are_those_of_another_prf(
        shared in proptest::collection::vec(any::<u8>(), 32..=66),
        messages in proptest::collection::vec(any::<u8>(), 0..100),
        client_random: [u8; 32],
        server_random: [u8; 32],
        len in 1_usize..200,
    ) {
        for hash in HASHES {
            let secret = SharedSecret::from_vector(&shared);
            let session_hash = hash.hash(&messages);
            let extended = MasterSecret12::extended(hash, &secret, &session_hash);
            let expected = other_prf(hash, &shared, b"extended master secret", session_hash.as_ref(), 48);
            prop_assert_eq!(extended.as_secret().as_bytes(), expected);

            let randoms = [client_random, server_random].concat();
            let plain = MasterSecret12::plain(hash, &secret, &client_random, &server_random);
            let master = other_prf(hash, &shared, b"master secret", &randoms, 48);
            prop_assert_eq!(plain.as_secret().as_bytes(), &master[..]);

            let mut exported = vec![0; len];
            plain.export(&client_random, &server_random, b"EXPORTER", Some(&messages), &mut exported).unwrap();
            let seed = [&randoms[..], &(messages.len() as u16).to_be_bytes(), &messages].concat();
            prop_assert_eq!(exported, other_prf(hash, &master, b"EXPORTER", &seed, len));
        }
    }
}

fn other_prf(hash: HashAlgorithm, secret: &[u8], label: &[u8], seed: &[u8], len: usize) -> Vec<u8> {
    let algorithm = match hash {
        HashAlgorithm::Sha256 => &tls_prf::P_SHA256,
        HashAlgorithm::Sha384 => &tls_prf::P_SHA384,
    };
    let secret = tls_prf::Secret::new(algorithm, secret).unwrap();
    secret.derive(label, seed, len).unwrap().as_ref().to_vec()
}

fn random(digits: &str) -> [u8; 32] {
    hex(digits).try_into().unwrap()
}

fn from_block(suite: &Suite, key: &[u8], fixed_iv: &[u8]) -> TrafficKeys {
    let iv = [fixed_iv, &[0; 8]].concat().try_into().unwrap();
    TrafficKeys::new(suite.id, record_cipher(suite.id, key).unwrap(), iv, 0)
}

fn record(keys: &mut TrafficKeys) -> Vec<u8> {
    let mut sealed = Buffer::new();
    let framing = RecordFraming::new(ProtocolVersion::Tls12);
    keys.seal(framing, ContentType::ApplicationData, &[IoSlice::new(b"hello")], &mut sealed).unwrap();
    sealed.filled().to_vec()
}
