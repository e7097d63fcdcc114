//! Key exchange: ECDHE (RFC 8446 §7.4.2, RFC 8422) and the hybrid of X25519 and ML-KEM-768 (RFC 8446 §4.2.8 with
//! draft-ietf-tls-ecdhe-mlkem).
//!
//! A client generates a [`KeyShare`] and agrees when the server's share comes; a server has the client's share when it
//! begins, and [`respond`]s in one step.

use std::fmt;

use aws_lc_rs::{
    agreement::{self, PrivateKey, UnparsedPublicKey},
    kem::{Ciphertext, DecapsulationKey, EncapsulationKey, ML_KEM_768},
};
use polytls_api::NamedGroup;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::error::Fault;

/// The lengths of FIPS 203's ML-KEM-768.
const ENCAPSULATION_KEY_LEN: usize = 1184;
const CIPHERTEXT_LEN: usize = 1088;

const X25519_LEN: usize = 32;

/// An ephemeral private key, used once.
pub(crate) struct KeyShare {
    group: NamedGroup,
    private: PrivateKey,
    /// The other half of the hybrid.
    ml_kem: Option<DecapsulationKey>,
    public_key: Vec<u8>,
}

impl KeyShare {
    /// A new key of the group.
    ///
    /// # Errors
    /// [`Fault::Internal`] for a group that is not here, or when the library fails.
    pub(crate) fn generate(group: NamedGroup) -> Result<Self, Fault> {
        let private = generate(group)?;
        if group != NamedGroup::X25519MLKEM768 {
            let public_key = public_key(&private)?.as_ref().to_vec();
            return Ok(Self { group, private, ml_kem: None, public_key });
        }
        let ml_kem = DecapsulationKey::generate(&ML_KEM_768).map_err(|_| not_generated())?;
        let encapsulation_key = ml_kem.encapsulation_key().and_then(|key| key.key_bytes());
        let mut public_key_bytes = encapsulation_key.map_err(|_| not_generated())?.as_ref().to_vec();
        public_key_bytes.extend_from_slice(public_key(&private)?.as_ref());
        Ok(Self { group, private, ml_kem: Some(ml_kem), public_key: public_key_bytes })
    }

    /// A key out of a published vector.
    #[cfg(test)]
    pub(crate) fn from_vector(group: NamedGroup, private_key: &[u8]) -> Option<Self> {
        let private = PrivateKey::from_private_key(algorithm(group).ok()?, private_key).ok()?;
        let public_key = public_key(&private).ok()?.as_ref().to_vec();
        Some(Self { group, private, ml_kem: None, public_key })
    }

    /// The same for a hybrid: both private keys.
    #[cfg(test)]
    pub(crate) fn hybrid_from_vector(decapsulation_key: &[u8], x25519: &[u8]) -> Option<Self> {
        let ml_kem = DecapsulationKey::new(&ML_KEM_768, decapsulation_key).ok()?;
        let classical = Self::from_vector(NamedGroup::X25519, x25519)?;
        Some(Self { group: NamedGroup::X25519MLKEM768, ml_kem: Some(ml_kem), ..classical })
    }

    pub(crate) fn group(&self) -> NamedGroup {
        self.group
    }

    /// What a KeyShareEntry or a ClientKeyExchange carries.
    pub(crate) fn public_key(&self) -> &[u8] {
        &self.public_key
    }

    /// The share of a hybrid's classical half, which a client may offer beside the whole
    /// (draft-ietf-tls-hybrid-design §3.2): a server without ML-KEM then needs no HelloRetryRequest.
    pub(crate) fn classical_part(&self) -> Option<(NamedGroup, &[u8])> {
        self.ml_kem.as_ref()?;
        Some((NamedGroup::X25519, self.public_key.get(ENCAPSULATION_KEY_LEN..)?))
    }

    /// What both sides share now.
    ///
    /// # Errors
    /// [`Fault::IllegalParameter`] for a share of another length, or that is no point of the group.
    pub(crate) fn agree(self, peer: &[u8]) -> Result<SharedSecret, Fault> {
        let Some(ml_kem) = &self.ml_kem else {
            return agree(self.group, &self.private, peer);
        };
        let (ciphertext, point) = split(peer, CIPHERTEXT_LEN)?;
        let classical = agree(NamedGroup::X25519, &self.private, point)?;
        let post_quantum = ml_kem.decapsulate(Ciphertext::from(ciphertext)).map_err(|_| not_a_share())?;
        Ok(SharedSecret::of_both(post_quantum.as_ref(), classical.as_bytes()))
    }

    /// What both sides share where the server took the classical half alone.
    ///
    /// # Errors
    /// As [`KeyShare::agree`].
    pub(crate) fn agree_classical(self, peer: &[u8]) -> Result<SharedSecret, Fault> {
        let group = if self.ml_kem.is_some() { NamedGroup::X25519 } else { self.group };
        agree(group, &self.private, peer)
    }
}

impl fmt::Debug for KeyShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeyShare").field(&self.group).finish()
    }
}

/// A server's whole key exchange: its own share, and what both sides share now.
///
/// # Errors
/// As [`KeyShare::generate`] and [`KeyShare::agree`].
pub(crate) fn respond(group: NamedGroup, peer: &[u8]) -> Result<(Vec<u8>, SharedSecret), Fault> {
    let private = generate(group)?;
    let own = public_key(&private)?;
    if group != NamedGroup::X25519MLKEM768 {
        return Ok((own.as_ref().to_vec(), agree(group, &private, peer)?));
    }
    let (encapsulation_key, point) = split(peer, ENCAPSULATION_KEY_LEN)?;
    let classical = agree(NamedGroup::X25519, &private, point)?;
    let (ciphertext, post_quantum) = EncapsulationKey::new(&ML_KEM_768, encapsulation_key)
        .map_err(|_| not_a_share())?
        .encapsulate()
        .map_err(|_| not_a_share())?;
    let share = [ciphertext.as_ref(), own.as_ref()].concat();
    Ok((share, SharedSecret::of_both(post_quantum.as_ref(), classical.as_bytes())))
}

/// The hybrid's parts: what is ML-KEM's, and an X25519 key after it.
fn split(share: &[u8], ml_kem_len: usize) -> Result<(&[u8], &[u8]), Fault> {
    if share.len() != ml_kem_len + X25519_LEN {
        return Err(not_a_share());
    }
    Ok(share.split_at(ml_kem_len))
}

/// The private key of the group, or of a hybrid's classical half.
fn generate(group: NamedGroup) -> Result<PrivateKey, Fault> {
    PrivateKey::generate(algorithm(group)?).map_err(|_| not_generated())
}

fn public_key(private: &PrivateKey) -> Result<agreement::PublicKey, Fault> {
    private.compute_public_key().map_err(|_| not_generated())
}

fn algorithm(group: NamedGroup) -> Result<&'static agreement::Algorithm, Fault> {
    Ok(match group {
        NamedGroup::X25519 | NamedGroup::X25519MLKEM768 => &agreement::X25519,
        NamedGroup::SECP256R1 => &agreement::ECDH_P256,
        NamedGroup::SECP384R1 => &agreement::ECDH_P384,
        NamedGroup::SECP521R1 => &agreement::ECDH_P521,
        _ => return Err(Fault::Internal("a group that was negotiated and is not there")),
    })
}

/// Diffie-Hellman in one of the curves.
fn agree(group: NamedGroup, private: &PrivateKey, peer: &[u8]) -> Result<SharedSecret, Fault> {
    // The library would take compressed points and whole SubjectPublicKeyInfos as well.
    if !is_of_form(group, peer) {
        return Err(not_a_share());
    }
    // RFC 8446 §7.4.2: it refuses points that are not on the curve, and an X25519 secret that is all zeros.
    let peer = UnparsedPublicKey::new(algorithm(group)?, peer);
    agreement::agree(private, peer, not_a_share(), |secret| {
        SharedSecret::new(secret).ok_or(Fault::Internal("a shared secret of no length that is known"))
    })
}

/// RFC 8446 §4.2.8.2: 32 bytes of Curve25519, or an uncompressed point.
fn is_of_form(group: NamedGroup, share: &[u8]) -> bool {
    const UNCOMPRESSED: u8 = 4;
    let coordinate_len = match group {
        NamedGroup::X25519 => return share.len() == X25519_LEN,
        NamedGroup::SECP256R1 => 32,
        NamedGroup::SECP384R1 => 48,
        NamedGroup::SECP521R1 => 66,
        _ => return false,
    };
    share.len() == 1 + 2 * coordinate_len && share.first() == Some(&UNCOMPRESSED)
}

fn not_generated() -> Fault {
    Fault::Internal("an ephemeral key cannot be generated")
}

fn not_a_share() -> Fault {
    Fault::IllegalParameter("a key share that is none of its group")
}

/// What a key exchange gives both sides, and nobody else.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct SharedSecret {
    bytes: [u8; Self::MAX_LEN],
    len: usize,
}

impl SharedSecret {
    /// P-521's coordinate; the hybrid has 64 bytes.
    const MAX_LEN: usize = 66;

    fn new(secret: &[u8]) -> Option<Self> {
        let mut shared = Self { bytes: [0; Self::MAX_LEN], len: secret.len() };
        shared.bytes.get_mut(..secret.len())?.copy_from_slice(secret);
        Some(shared)
    }

    /// Both halves of the hybrid, ML-KEM's first.
    fn of_both(post_quantum: &[u8], classical: &[u8]) -> Self {
        let mut shared = Self { bytes: [0; Self::MAX_LEN], len: 0 };
        let halves = post_quantum.iter().chain(classical);
        for (target, byte) in shared.bytes.iter_mut().zip(halves) {
            *target = *byte;
        }
        shared.len = (post_quantum.len() + classical.len()).min(Self::MAX_LEN);
        shared
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// A secret out of a published vector.
    #[cfg(test)]
    pub(crate) fn from_vector(secret: &[u8]) -> Self {
        Self::new(secret).unwrap()
    }
}

impl fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedSecret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The groups with the lengths of a client's share, a server's share and the secret.
    const GROUPS: [(NamedGroup, [usize; 3]); 5] = [
        (NamedGroup::X25519, [32, 32, 32]),
        (NamedGroup::SECP256R1, [65, 65, 32]),
        (NamedGroup::SECP384R1, [97, 97, 48]),
        (NamedGroup::SECP521R1, [133, 133, 66]),
        (NamedGroup::X25519MLKEM768, [1216, 1120, 64]),
    ];

    #[test]
    fn both_sides_share_one_secret_in_every_group() {
        for (group, lengths) in GROUPS {
            let client = KeyShare::generate(group).unwrap();
            let client_share = client.public_key().to_vec();
            let (server_share, of_server) = respond(group, &client_share).unwrap();
            let of_client = client.agree(&server_share).unwrap();
            assert_eq!(of_client.as_bytes(), of_server.as_bytes(), "{group}");
            let found = [client_share.len(), server_share.len(), of_client.as_bytes().len()];
            assert_eq!(found, lengths, "{group}");
        }
    }

    #[test]
    fn no_key_is_used_twice() {
        for (group, _) in GROUPS {
            let client = KeyShare::generate(group).unwrap();
            assert_ne!(client.public_key(), KeyShare::generate(group).unwrap().public_key(), "{group}");
            let (one, other) = (respond(group, client.public_key()), respond(group, client.public_key()));
            assert_ne!(one.unwrap().0, other.unwrap().0, "{group}");
        }
    }

    #[test]
    fn a_share_of_any_other_length_is_an_illegal_parameter() {
        for (group, _) in GROUPS {
            let share = KeyShare::generate(group).unwrap().public_key().to_vec();
            for length in [0, 1, share.len() / 2, share.len() - 1, share.len() + 1] {
                let mut share = share.clone();
                share.resize(length, 4);
                let own = KeyShare::generate(group).unwrap();
                assert!(matches!(own.agree(&share), Err(Fault::IllegalParameter(_))), "{group} {length}");
                let response = respond(group, &share);
                assert!(matches!(response, Err(Fault::IllegalParameter(_))), "{group} {length}");
            }
        }
    }

    #[test]
    fn a_point_that_is_compressed_or_off_the_curve_is_an_illegal_parameter() {
        for group in [NamedGroup::SECP256R1, NamedGroup::SECP384R1, NamedGroup::SECP521R1] {
            let point = KeyShare::generate(group).unwrap().public_key().to_vec();
            let compressed = [&[2 + (point[point.len() - 1] & 1)], &point[1..=point.len() / 2]].concat();
            let mut hybrid = point.clone();
            hybrid[0] = 6 + (point[point.len() - 1] & 1);
            let mut elsewhere = point.clone();
            elsewhere[point.len() - 1] ^= 1;
            for wrong in [compressed, hybrid, elsewhere, vec![0; point.len()], vec![0]] {
                assert!(matches!(respond(group, &wrong), Err(Fault::IllegalParameter(_))), "{group}");
            }
        }
    }

    #[test]
    fn an_x25519_secret_of_zeros_is_refused_alone_and_in_the_hybrid() {
        let refused = respond(NamedGroup::X25519, &[0; 32]);
        assert!(matches!(refused, Err(Fault::IllegalParameter(_))));
        let mut share = KeyShare::generate(NamedGroup::X25519MLKEM768).unwrap().public_key().to_vec();
        share[ENCAPSULATION_KEY_LEN..].fill(0);
        let refused = respond(NamedGroup::X25519MLKEM768, &share);
        assert!(matches!(refused, Err(Fault::IllegalParameter(_))));
        let own = KeyShare::generate(NamedGroup::X25519MLKEM768).unwrap();
        let refused = own.agree(&[0; CIPHERTEXT_LEN + X25519_LEN]);
        assert!(matches!(refused, Err(Fault::IllegalParameter(_))));
    }

    #[test]
    fn a_server_may_take_the_classical_half_of_a_hybrid_alone() {
        let client = KeyShare::generate(NamedGroup::X25519MLKEM768).unwrap();
        let (group, part) = client.classical_part().unwrap();
        let (server_share, of_server) = respond(group, part).unwrap();
        assert_eq!(client.agree_classical(&server_share).unwrap().as_bytes(), of_server.as_bytes());
        assert!(KeyShare::generate(NamedGroup::X25519).unwrap().classical_part().is_none());
    }

    #[test]
    fn nothing_is_generated_for_a_group_that_is_not_here() {
        let unknown = NamedGroup::from_code(0x0100);
        assert!(matches!(KeyShare::generate(unknown), Err(Fault::Internal(_))));
        assert!(matches!(respond(unknown, &[4; 65]), Err(Fault::Internal(_))));
    }
}
