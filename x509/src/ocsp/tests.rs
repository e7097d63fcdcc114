//! OCSP responses: what is read, and what is refused for which field.

use std::time::{Duration, SystemTime};

use crate::{
    BasicOcspResponse, CertStatus, OcspResponse, ResponderId, RevocationReason,
    tests::{ecdsa_with_sha256, extension, name, no_bits, oid, refused, sequence, tlv},
};

/// Of `openssl ocsp -resp_key_id -resp_no_certs` (OpenSSL 3.0), for three serial numbers: good, revoked and unknown.
const OF_OPENSSL: &str = "\
    308201b00a0100a08201a9308201a506092b0601050507300101048201963082019230820139a2160414d078a439b6cfb5f2\
    3ac830c35365fd724ef55ba4180f32303236313133303130313333365a3082010c3050303b300906052b0e03021a05000414\
    bf7052c8b9c0f760c89123e099815eb2c03942260414d078a439b6cfb5f23ac830c35365fd724ef55ba4020210018000180f\
    32303236313133303130313333365a3066303b300906052b0e03021a05000414bf7052c8b9c0f760c89123e099815eb2c039\
    42260414d078a439b6cfb5f23ac830c35365fd724ef55ba402021002a116180f32303234303130323033303430355aa0030a\
    0101180f32303236313133303130313333365a3050303b300906052b0e03021a05000414bf7052c8b9c0f760c89123e09981\
    5eb2c03942260414d078a439b6cfb5f23ac830c35365fd724ef55ba4020210038200180f3230323631313330313031333336\
    5a300a06082a8648ce3d040302034700304402204553ac29b82912be0f383d272c1586f6a917b0fe964d36faba6c32b12527\
    acc8022036951e57d8e9bd1d4365ca147a3efd65319cd4866e385c2139d4e66677a50fcc";

pub(crate) fn made_by_openssl() -> Vec<u8> {
    let digits = OF_OPENSSL.as_bytes().chunks_exact(2);
    digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn after_epoch(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn basic(parsed: OcspResponse<'_>) -> BasicOcspResponse<'_> {
    match parsed {
        OcspResponse::Basic(basic) => basic,
        OcspResponse::Unsuccessful(status) => panic!("status {status}"),
    }
}

#[test]
fn response_of_openssl_is_read() {
    let der = made_by_openssl();
    let response = basic(OcspResponse::parse(&der).unwrap());
    assert!(
        matches!(response.responder_id, ResponderId::ByKey(key) if key[..2] == [0xd0, 0x78] && key.len() == 20)
    );
    assert_eq!(response.produced_at, after_epoch(1_796_033_616));
    assert_eq!(response.tbs_response_data[..4], [0x30, 0x82, 0x01, 0x39]);
    assert_eq!(response.signature_algorithm.der, ecdsa_with_sha256());
    assert_eq!(response.signature[..2], [0x30, 0x44]);
    assert!(response.certs.is_empty() && response.unknown_critical.is_empty());

    let serials: Vec<_> = response.responses.iter().map(|single| single.cert_id.serial_number).collect();
    assert_eq!(serials, [[0x10, 0x01], [0x10, 0x02], [0x10, 0x03]]);
    let statuses: Vec<_> = response.responses.iter().map(|single| single.cert_status).collect();
    let reason = Some(RevocationReason::KeyCompromise);
    let revoked = CertStatus::Revoked { revocation_time: after_epoch(1_704_164_645), reason };
    assert_eq!(statuses, [CertStatus::Good, revoked, CertStatus::Unknown]);
    let first = &response.responses[0];
    assert_eq!(first.cert_id.hash_algorithm.algorithm.to_string(), "1.3.14.3.2.26");
    assert_eq!((first.cert_id.issuer_name_hash[0], first.cert_id.issuer_key_hash[0]), (0xbf, 0xd0));
    assert_eq!((first.this_update, first.next_update), (after_epoch(1_796_033_616), None));
}

/// The fields of a response, each with tag and length.
struct Made {
    status: Vec<u8>,
    response_type: Vec<u8>,
    version: Vec<u8>,
    responder_id: Vec<u8>,
    produced_at: Vec<u8>,
    cert_status: Vec<u8>,
    next_update: Vec<u8>,
    single_extensions: Vec<u8>,
    response_extensions: Vec<u8>,
    certs: Vec<u8>,
}

impl Made {
    fn new() -> Self {
        Self {
            status: vec![10, 1, 0],
            response_type: oid("1.3.6.1.5.5.7.48.1.1"),
            version: vec![],
            responder_id: tlv(0xa1, &[&name(&[(3, 0x0c, b"Responder")])]),
            produced_at: tlv(0x18, &[b"20240101000000Z"]),
            cert_status: tlv(0x80, &[]),
            next_update: vec![],
            single_extensions: vec![],
            response_extensions: vec![],
            certs: vec![],
        }
    }

    fn der(&self) -> Vec<u8> {
        let digest = tlv(4, &[b"digest"]);
        let cert_id = sequence(&[&sequence(&[&oid("1.3.14.3.2.26")]), &digest, &digest, &[2, 1, 7]]);
        let this_update = tlv(0x18, &[b"20240101000000Z"]);
        let single = sequence(&[
            &cert_id,
            &self.cert_status,
            &this_update,
            &self.next_update,
            &self.single_extensions,
        ]);
        let data = sequence(&[
            &self.version,
            &self.responder_id,
            &self.produced_at,
            &sequence(&[&single]),
            &self.response_extensions,
        ]);
        let basic = sequence(&[&data, &ecdsa_with_sha256(), &no_bits(), &self.certs]);
        let bytes = sequence(&[&self.response_type, &tlv(4, &[&basic])]);
        sequence(&[&self.status, &tlv(0xa0, &[&bytes])])
    }

    #[track_caller]
    fn parsed(&self, see: impl FnOnce(BasicOcspResponse<'_>)) {
        see(basic(OcspResponse::parse(&self.der()).expect("it is well formed")));
    }

    #[track_caller]
    fn refused(&self, field: &str, reason: &str) {
        refused(OcspResponse::parse(&self.der()), field, reason);
    }
}

#[test]
fn what_may_be_there_is_read() {
    let certificate = sequence(&[b"any"]);
    let critical = extension("1.2.3", Some(0xff), b"any");
    let nonce = extension("1.3.6.1.5.5.7.48.1.2", None, b"nonce");
    let made = Made {
        version: tlv(0xa0, &[&[2, 1, 0]]),
        next_update: tlv(0xa0, &[&tlv(0x18, &[b"20240102000000Z"])]),
        single_extensions: tlv(0xa1, &[&sequence(&[&critical])]),
        response_extensions: tlv(0xa1, &[&sequence(&[&nonce, &critical])]),
        certs: tlv(0xa0, &[&sequence(&[&certificate, &certificate])]),
        ..Made::new()
    };
    made.parsed(|response| {
        assert!(
            matches!(response.responder_id, ResponderId::ByName(name) if name.to_string() == "CN=Responder")
        );
        assert_eq!(response.certs, [&certificate[..]; 2]);
        let unknown = [der::asn1::ObjectIdentifier::new_unwrap("1.2.3")];
        assert_eq!(response.unknown_critical, unknown);
        let [single] = &response.responses[..] else { panic!("one was made") };
        assert_eq!(single.unknown_critical, unknown);
        assert_eq!(single.next_update, Some(after_epoch(1_704_153_600)));
    });
    Made { cert_status: tlv(0xa1, &[&tlv(0x18, &[b"20240101000000Z"])]), ..Made::new() }.parsed(|response| {
        let revoked = CertStatus::Revoked { revocation_time: after_epoch(1_704_067_200), reason: None };
        assert_eq!(response.responses[0].cert_status, revoked);
    });
}

#[test]
fn responders_may_not_answer() {
    for status in [1, 2, 3, 5, 6] {
        let der = sequence(&[&[10, 1, status]]);
        assert!(matches!(OcspResponse::parse(&der), Ok(OcspResponse::Unsuccessful(got)) if got == status));
        Made { status: vec![10, 1, status], ..Made::new() }.refused("responseBytes", "not successful");
    }
    refused(OcspResponse::parse(&sequence(&[&[10, 1, 0]])), "responseBytes", "has none");
    for status in [4, 7, 0xff] {
        refused(OcspResponse::parse(&sequence(&[&[10, 1, status]])), "responseStatus", "no status");
    }
    refused(OcspResponse::parse(&sequence(&[&[10, 2, 0, 1]])), "responseStatus", "no status");
}

#[test]
fn each_field_is_refused_by_its_name() {
    let der = Made::new().der();
    refused(OcspResponse::parse(&[&der[..], &[0]].concat()), "OCSPResponse", "octets follow");
    let made = Made::new;
    Made { response_type: oid("1.2.3"), ..made() }.refused("responseType", "id-pkix-ocsp-basic");
    Made { version: tlv(0xa0, &[&[2, 1, 1]]), ..made() }.refused("version", "not 1");
    Made { responder_id: tlv(0xa3, &[]), ..made() }.refused("responderID", "neither");
    Made { responder_id: tlv(0xa2, &[&[5, 0]]), ..made() }.refused("responderID", "must be 0x04");
    Made { responder_id: tlv(0xa2, &[&[4, 0], &[4, 0]]), ..made() }.refused("responderID", "octets follow");
    Made { responder_id: tlv(0x82, &[b"key"]), ..made() }.refused("responderID", "neither");
    Made { produced_at: tlv(0x17, &[b"240101000000Z"]), ..made() }.refused("producedAt", "must be 0x18");
    for status in [tlv(0xa0, &[]), tlv(0x80, &[&[0]]), tlv(0x82, &[&[0]]), tlv(0x83, &[]), vec![5, 0]] {
        Made { cert_status: status, ..made() }.refused("certStatus", "none of");
    }
    Made { cert_status: tlv(0xa1, &[]), ..made() }.refused("revocationTime", "missing");
    let reason = tlv(0xa0, &[&[10, 1, 7]]);
    let revoked = tlv(0xa1, &[&tlv(0x18, &[b"20240101000000Z"]), &reason]);
    Made { cert_status: revoked, ..made() }.refused("revocationReason", "no reason");
    Made { next_update: tlv(0xa0, &[]), ..made() }.refused("nextUpdate", "missing");
    Made { single_extensions: tlv(0xa1, &[&sequence(&[])]), ..made() }.refused("singleExtensions", "missing");
    Made { single_extensions: tlv(0xa2, &[]), ..made() }.refused("responses", "octets follow");
    let nonce = extension("1.3.6.1.5.5.7.48.1.2", None, b"nonce");
    let twice = tlv(0xa1, &[&sequence(&[&nonce, &nonce])]);
    Made { response_extensions: twice, ..made() }.refused("responseExtensions", "twice");
    Made { response_extensions: tlv(0xa2, &[]), ..made() }.refused("tbsResponseData", "octets follow");
    Made { certs: tlv(0xa0, &[&sequence(&[&[5, 0]])]), ..made() }.refused("certs", "must be 0x30");
    Made { certs: vec![5, 0], ..made() }.refused("BasicOCSPResponse", "octets follow");
}
