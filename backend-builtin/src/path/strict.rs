//! What authorities owe beyond what a path's validation asks: the strict profile's rules.
//!
//! RFC 5280 §4 says what conforming authorities issue, the Baseline Requirements (BR) of the CA/Browser Forum, version 2,
//! what those do that browsers trust. Where the BR make an exception from the RFC, it counts. What both leave to logs,
//! audits or lists of names (public suffixes, reserved addresses) is not here; neither are extensions that the BR ask for
//! and that tell a relying party nothing of whom to trust, such as certificatePolicies and authorityInfoAccess.

use der::{
    Decode, SliceReader, Tag, Tagged,
    asn1::{AnyRef, ObjectIdentifier},
};
use polytls_api::{
    CertificateError,
    x509::{Certificate, Extension, GeneralName, KeyPurposeId, KeyUsage},
};

use super::{
    algorithms,
    candidate::subject_key_identifier,
    common_name,
    names::{self, DnsName},
    refusal::malformed,
    usage,
};

/// id-kp-codeSigning, id-kp-emailProtection, id-kp-timeStamping, id-kp-OCSPSigning, Precertificate Signing, and
/// anyExtendedKeyUsage.
const NOT_FOR_SERVERS: [KeyPurposeId; 6] = [
    KeyPurposeId(ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.3")),
    KeyPurposeId(ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.4")),
    KeyPurposeId(ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.8")),
    KeyPurposeId::OCSP_SIGNING,
    KeyPurposeId(ObjectIdentifier::new_unwrap("1.3.6.1.4.1.11129.2.4.4")),
    KeyPurposeId::ANY,
];

/// What may not be: a field, what is wrong with it, and when.
struct Rule(&'static str, &'static str, fn(&Certificate<'_>) -> bool);

const EVERY_CERTIFICATE: &[Rule] = &[
    Rule("version", "it is not 3 (BR §7.1.1)", |it| it.version != 3),
    Rule("serialNumber", "it has more than 20 octets (RFC 5280 §4.1.2.2)", |it| it.serial_number.len() > 20),
    Rule("serialNumber", "it is negative (RFC 5280 §4.1.2.2)", |it| {
        it.serial_number.first().is_some_and(|first| *first >= 0x80)
    }),
    Rule("issuer", "it is empty (RFC 5280 §4.1.2.4)", |it| it.issuer.is_empty()),
    Rule("authorityKeyIdentifier", "it is critical (RFC 5280 §4.2.1.1)", |it| {
        is_critical(&it.extensions.authority_key_identifier)
    }),
    Rule("subjectKeyIdentifier", "it is critical (RFC 5280 §4.2.1.2)", |it| {
        is_critical(&it.extensions.subject_key_identifier)
    }),
    Rule("authorityInfoAccess", "it is critical (RFC 5280 §4.2.2.1)", |it| {
        is_critical(&it.extensions.authority_info_access)
    }),
    Rule("certificatePolicies", "it is critical (BR §7.1.2.6.1, §7.1.2.7.6)", |it| {
        is_critical(&it.extensions.certificate_policies)
    }),
    Rule("cRLDistributionPoints", "it is critical (BR §7.1.2.6.1, §7.1.2.7.6)", |it| {
        is_critical(&it.extensions.crl_distribution_points)
    }),
    Rule("extKeyUsage", "it is critical (BR §7.1.2.6.1, §7.1.2.7.6)", |it| {
        is_critical(&it.extensions.extended_key_usage)
    }),
];

/// What a certificate owes unless it issued itself. Roots of old that are trusted everywhere do not have all of it.
const ISSUED_BY_ANOTHER: &[Rule] = &[
    Rule("validity", "a time before 2050 is no UTCTime (RFC 5280 §4.1.2.5)", |it| {
        validity_times(it).is_ok_and(|times| times.iter().any(is_wrong_time))
    }),
    Rule("authorityKeyIdentifier", "there is none (RFC 5280 §4.2.1.1)", |it| {
        it.extensions.authority_key_identifier.is_none()
    }),
    Rule("serialNumber", "it is 0 (RFC 5280 §4.1.2.2)", |it| {
        it.serial_number.iter().all(|octet| *octet == 0)
    }),
];

const AUTHORITY_KEY_IDENTIFIER: &[Rule] = &[
    Rule("authorityKeyIdentifier", "there is no keyIdentifier (RFC 5280 §4.2.1.1)", |it| {
        let identifier = it.extensions.authority_key_identifier.as_ref();
        identifier.is_some_and(|identifier| identifier.value.key_identifier.is_none())
    }),
    Rule("authorityKeyIdentifier", "it names the issuer's certificate (BR §7.1.2.1.3, §7.1.2.11.1)", |it| {
        let identifier = it.extensions.authority_key_identifier.as_ref().map(|identifier| &identifier.value);
        identifier.is_some_and(|identifier| {
            identifier.authority_cert_issuer.is_some() || identifier.authority_cert_serial_number.is_some()
        })
    }),
];

const AUTHORITY: &[Rule] = &[
    Rule("subject", "an authority's is empty (RFC 5280 §4.1.2.6)", |it| it.subject.is_empty()),
    Rule("subjectKeyIdentifier", "an authority's is missing (RFC 5280 §4.2.1.2)", |it| {
        it.extensions.subject_key_identifier.is_none()
    }),
    Rule("basicConstraints", "an authority's is not critical (RFC 5280 §4.2.1.9)", |it| {
        is_uncritical(&it.extensions.basic_constraints)
    }),
    // BR §7.1.2.10.8 lets it be uncritical, but not empty.
    Rule("nameConstraints", "it is empty (RFC 5280 §4.2.1.10)", |it| {
        let constraints = it.extensions.name_constraints.as_ref().map(|constraints| &constraints.value);
        constraints.is_some_and(|constraints| {
            constraints.permitted_subtrees.is_none() && constraints.excluded_subtrees.is_none()
        })
    }),
    Rule("policyConstraints", "it is not critical (RFC 5280 §4.2.1.11)", |it| {
        is_uncritical(&it.extensions.policy_constraints)
    }),
    Rule("policyConstraints", "it is empty (RFC 5280 §4.2.1.11)", |it| {
        let constraints = it.extensions.policy_constraints.as_ref().map(|constraints| &constraints.value);
        constraints.is_some_and(|constraints| {
            constraints.require_explicit_policy.is_none() && constraints.inhibit_policy_mapping.is_none()
        })
    }),
    Rule("inhibitAnyPolicy", "it is not critical (RFC 5280 §4.2.1.14)", |it| {
        is_uncritical(&it.extensions.inhibit_any_policy)
    }),
];

/// Roots are let off: RFC 5280 §6.1.4 (n) asks for the usage only where it is told, and old roots do not tell it.
const INTERMEDIATE: &[Rule] = &[Rule("keyUsage", "an authority's is missing (RFC 5280 §4.2.1.3)", |it| {
    it.extensions.key_usage.is_none()
})];

const SELF_SIGNED_ROOT: &[Rule] = &[
    Rule("authorityKeyIdentifier", "it is not the root's own subjectKeyIdentifier (BR §7.1.2.1.3)", |it| {
        names_another_key(it, subject_key_identifier(it))
    }),
    Rule("extKeyUsage", "a root has none (BR §7.1.2.1.2)", |it| it.extensions.extended_key_usage.is_some()),
];

const END_ENTITY: &[Rule] = &[
    Rule("keyUsage", "keyCertSign is for authorities (RFC 5280 §4.2.1.9)", |it| {
        may(it, KeyUsage::KEY_CERT_SIGN) == Some(true)
    }),
    Rule("basicConstraints", "pathLenConstraint is for authorities (RFC 5280 §4.2.1.9)", |it| {
        let constraints = it.extensions.basic_constraints.as_ref();
        constraints.is_some_and(|constraints| constraints.value.path_len_constraint.is_some())
    }),
    Rule("subjectAltName", "it is empty (RFC 5280 §4.2.1.6)", |it| {
        it.extensions.subject_alt_name.as_ref().is_some_and(|names| names.value.is_empty())
    }),
    Rule("subjectAltName", "it is not critical, and there is no subject (RFC 5280 §4.2.1.6)", |it| {
        it.subject.is_empty() && !is_critical(&it.extensions.subject_alt_name)
    }),
    Rule("subjectAltName", "it is critical, and there is a subject (BR §7.1.2.7.12)", |it| {
        !it.subject.is_empty() && is_critical(&it.extensions.subject_alt_name)
    }),
];

const SERVER: &[Rule] = &[
    Rule("extKeyUsage", "a server's is missing (BR §7.1.2.7.6)", |it| usage::purposes(it).is_none()),
    Rule("extKeyUsage", "it has a purpose that a server's may not have (BR §7.1.2.7.10)", |it| {
        let purposes = usage::purposes(it).unwrap_or_default();
        purposes.iter().any(|purpose| NOT_FOR_SERVERS.contains(purpose))
    }),
    Rule("keyUsage", "a server's has cRLSign (BR §7.1.2.7.11)", |it| {
        may(it, KeyUsage::CRL_SIGN) == Some(true)
    }),
    Rule("keyUsage", "it has no digitalSignature, and the key can do nothing else (BR §7.1.2.7.11)", |it| {
        algorithms::rsa_bits(it).is_none() && may(it, KeyUsage::DIGITAL_SIGNATURE) == Some(false)
    }),
    Rule("subjectAltName", "a dNSName or iPAddress cannot be one (BR §7.1.2.7.12)", |it| {
        names::alternative_names(it).iter().any(is_no_server)
    }),
    Rule("subject", "it has more than one commonName (BR §7.1.4.1)", |it| common_name::all(it).count() > 1),
    Rule(
        "subject",
        "its commonName is none of the names in subjectAltName, as they are written (BR §7.1.4.3)",
        |it| common_name::all(it).any(|name| common_name::is_another_name(name, it)),
    ),
];

type Verdict = Result<(), CertificateError>;

pub(super) fn end_entity(certificate: &Certificate<'_>, purpose: KeyPurposeId) -> Verdict {
    every(certificate)?;
    // One that is trusted itself may be its own issuer.
    if !certificate.is_self_issued() {
        hold(certificate, ISSUED_BY_ANOTHER)?;
    }
    hold(certificate, END_ENTITY)?;
    // The BR are about servers.
    if purpose == KeyPurposeId::SERVER_AUTH { hold(certificate, SERVER) } else { Ok(()) }
}

pub(super) fn intermediate(certificate: &Certificate<'_>) -> Verdict {
    every(certificate)?;
    hold(certificate, ISSUED_BY_ANOTHER)?;
    hold(certificate, AUTHORITY)?;
    hold(certificate, INTERMEDIATE)
}

/// A root is certified by itself, or by another that need not be trusted.
pub(super) fn anchor(certificate: &Certificate<'_>) -> Verdict {
    every(certificate)?;
    hold(certificate, AUTHORITY)?;
    hold(certificate, if certificate.is_self_issued() { SELF_SIGNED_ROOT } else { ISSUED_BY_ANOTHER })
}

/// What a certificate has to be to the one of its issuer, which has this subjectKeyIdentifier.
pub(super) fn issued(certificate: &Certificate<'_>, issuers: Option<&[u8]>) -> Verdict {
    match names_another_key(certificate, issuers) {
        true => {
            let reason = "it is not its issuer's subjectKeyIdentifier (RFC 5280 §4.2.1.1, BR §7.1.2.11.1)";
            Err(malformed("authorityKeyIdentifier", certificate, reason))
        }
        false => Ok(()),
    }
}

fn every(certificate: &Certificate<'_>) -> Verdict {
    // BR §6.1.5.
    if let Some(bits) = algorithms::rsa_bits(certificate).filter(|bits| bits % 8 != 0) {
        let detail = format!("RSA of {bits} bits, which are no whole octets");
        return Err(CertificateError::UnsupportedAlgorithm { detail });
    }
    hold(certificate, EVERY_CERTIFICATE)?;
    hold(certificate, AUTHORITY_KEY_IDENTIFIER)
}

/// The first rule that is broken is the error.
fn hold(certificate: &Certificate<'_>, rules: &[Rule]) -> Verdict {
    match rules.iter().find(|Rule(_, _, is_broken)| is_broken(certificate)) {
        Some(Rule(field, reason, _)) => Err(malformed(field, certificate, reason)),
        None => Ok(()),
    }
}

/// notBefore and notAfter as they are written, which `Certificate` does not keep.
fn validity_times<'a>(certificate: &Certificate<'a>) -> der::Result<[AnyRef<'a>; 2]> {
    let mut fields = SliceReader::new(AnyRef::from_der(certificate.tbs_certificate)?.value())?;
    // serialNumber, or a version before it; signature, issuer.
    if AnyRef::decode(&mut fields)?.tag() != Tag::Integer {
        AnyRef::decode(&mut fields)?;
    }
    AnyRef::decode(&mut fields)?;
    AnyRef::decode(&mut fields)?;
    let mut times = SliceReader::new(AnyRef::decode(&mut fields)?.value())?;
    Ok([AnyRef::decode(&mut times)?, AnyRef::decode(&mut times)?])
}

fn is_wrong_time(time: &AnyRef<'_>) -> bool {
    time.tag() == Tag::GeneralizedTime && time.value() < b"2050".as_slice()
}

fn is_critical<T>(extension: &Option<Extension<T>>) -> bool {
    extension.as_ref().is_some_and(|extension| extension.critical)
}

fn is_uncritical<T>(extension: &Option<Extension<T>>) -> bool {
    extension.as_ref().is_some_and(|extension| !extension.critical)
}

/// `None` where the certificate does not say what its key is for.
fn may(certificate: &Certificate<'_>, usage: KeyUsage) -> Option<bool> {
    certificate.extensions.key_usage.as_ref().map(|extension| extension.value.contains(usage))
}

fn names_another_key(certificate: &Certificate<'_>, has: Option<&[u8]>) -> bool {
    let asked = certificate.extensions.authority_key_identifier.as_ref();
    asked.is_some_and(|asked| asked.value.key_identifier != has)
}

fn is_no_server(name: &GeneralName<'_>) -> bool {
    match name {
        GeneralName::Dns(octets) => DnsName::parse(octets)
            .is_none_or(|name| !name.is_ldh() || (name.wildcard && !name.rest.contains('.'))),
        GeneralName::Ip(octets) => !matches!(octets.len(), 4 | 16),
        _ => false,
    }
}
