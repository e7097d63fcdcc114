//! What authorities owe beyond what a path's validation asks: the strict profile's rules.
//!
//! RFC 5280 §4 says what conforming authorities issue, the Baseline Requirements (BR) of the CA/Browser Forum, version 2,
//! what those do that browsers trust. Where the two differ, the later exception counts. What both leave to logs, audits or
//! lists of names (public suffixes, reserved addresses) is not here, and neither is what a relying party cannot see.

use der::asn1::ObjectIdentifier;
use polytls_api::{
    CertificateError,
    x509::{Certificate, Extension, Extensions, GeneralName, KeyPurposeId, KeyUsage, PolicyConstraints},
};

use super::{
    algorithms, common_name,
    names::{self, DnsName},
    refusal::malformed,
    usage,
};

/// id-kp-codeSigning, id-kp-emailProtection, id-kp-timeStamping and id-kp-OCSPSigning, and Precertificate Signing.
const NOT_FOR_SERVERS: [KeyPurposeId; 5] = [
    KeyPurposeId(ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.3")),
    KeyPurposeId(ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.4")),
    KeyPurposeId(ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.8")),
    KeyPurposeId::OCSP_SIGNING,
    KeyPurposeId(ObjectIdentifier::new_unwrap("1.3.6.1.4.1.11129.2.4.4")),
];

type Verdict = Result<(), CertificateError>;

/// A certificate's field, and what is wrong with it.
type Breach = Option<(&'static str, &'static str)>;

pub(super) fn end_entity(certificate: &Certificate<'_>, purpose: KeyPurposeId) -> Verdict {
    let extensions = &certificate.extensions;
    any(certificate)?;
    holds(
        certificate,
        &[
            serial_number(certificate, 1),
            key_identifier_of_issuer(extensions),
            end_entity_usage(certificate),
            alternative_names(certificate),
        ],
    )?;
    // The BR are about servers.
    if purpose != KeyPurposeId::SERVER_AUTH {
        return Ok(());
    }
    holds(
        certificate,
        &[server_usage(certificate), server_names(certificate), common_name::breach(certificate)],
    )
}

pub(super) fn intermediate(certificate: &Certificate<'_>) -> Verdict {
    let extensions = &certificate.extensions;
    any(certificate)?;
    authority(certificate)?;
    // Roots are let off: RFC 5280 §6.1.4 (n) asks for the usage only where it is told, and old roots do not.
    let usage =
        breach(extensions.key_usage.is_none(), "keyUsage", "an authority's is missing (RFC 5280 §4.2.1.3)");
    holds(certificate, &[serial_number(certificate, 1), key_identifier_of_issuer(extensions), usage])
}

/// A root is certified by itself, or by another root.
pub(super) fn anchor(certificate: &Certificate<'_>) -> Verdict {
    any(certificate)?;
    authority(certificate)?;
    // Roots of old have the serial number 0, and nobody tells them apart by it.
    holds(certificate, &[serial_number(certificate, 0)])?;
    let extensions = &certificate.extensions;
    if !certificate.is_self_issued() {
        return holds(certificate, &[key_identifier_of_issuer(extensions)]);
    }
    let own = extensions.subject_key_identifier.as_ref().map(|extension| extension.value);
    let issuers = extensions.authority_key_identifier.as_ref();
    holds(
        certificate,
        &[
            // RFC 5280 §4.2.1.1: a self-signed one may go without. BR §7.1.2.1.3.
            issuers.and_then(|_| key_identifier_of_issuer(extensions)),
            breach(
                issuers.is_some_and(|issuers| issuers.value.key_identifier != own),
                "authorityKeyIdentifier",
                "it is not the root's own subjectKeyIdentifier (BR §7.1.2.1.3)",
            ),
            breach(extensions.extended_key_usage.is_some(), "extKeyUsage", "a root has none (BR §7.1.2.1.2)"),
        ],
    )
}

/// What a certificate has to be to the one of its issuer.
pub(super) fn issued(certificate: &Certificate<'_>, issuer: &Certificate<'_>) -> Verdict {
    let asked = certificate.extensions.authority_key_identifier.as_ref();
    let has = issuer.extensions.subject_key_identifier.as_ref().map(|extension| extension.value);
    let other = asked.is_some_and(|asked| asked.value.key_identifier != has);
    holds(
        certificate,
        &[breach(
            other,
            "authorityKeyIdentifier",
            "it is not its issuer's subjectKeyIdentifier (RFC 5280 §4.2.1.1, BR §7.1.2.11.1)",
        )],
    )
}

/// What every certificate owes.
fn any(certificate: &Certificate<'_>) -> Verdict {
    let extensions = &certificate.extensions;
    rsa(certificate)?;
    holds(
        certificate,
        &[
            breach(certificate.version != 3, "version", "it is not 3 (BR §7.1.1)"),
            breach(certificate.issuer.is_empty(), "issuer", "it is empty (RFC 5280 §4.1.2.4)"),
            never_critical(
                &extensions.authority_key_identifier,
                "authorityKeyIdentifier",
                "it is critical (RFC 5280 §4.2.1.1)",
            ),
            never_critical(
                &extensions.subject_key_identifier,
                "subjectKeyIdentifier",
                "it is critical (RFC 5280 §4.2.1.2)",
            ),
            never_critical(
                &extensions.authority_info_access,
                "authorityInfoAccess",
                "it is critical (RFC 5280 §4.2.2.1)",
            ),
            never_critical(
                &extensions.certificate_policies,
                "certificatePolicies",
                "it is critical (BR §7.1.2.7.6, §7.1.2.6.1)",
            ),
            never_critical(
                &extensions.crl_distribution_points,
                "cRLDistributionPoints",
                "it is critical (BR §7.1.2.7.6, §7.1.2.6.1)",
            ),
            never_critical(
                &extensions.extended_key_usage,
                "extKeyUsage",
                "it is critical (BR §7.1.2.7.6, §7.1.2.6.1)",
            ),
        ],
    )
}

/// BR §6.1.5.
fn rsa(certificate: &Certificate<'_>) -> Verdict {
    match algorithms::rsa_bits(certificate) {
        Some(bits) if bits % 8 != 0 => Err(CertificateError::UnsupportedAlgorithm {
            detail: format!("RSA of {bits} bits, which are no whole octets"),
        }),
        _ => Ok(()),
    }
}

/// RFC 5280 §4.1.2.2: positive, and 20 octets at the most.
fn serial_number(certificate: &Certificate<'_>, least: u8) -> Breach {
    let serial = certificate.serial_number;
    let negative = serial.first().is_some_and(|first| *first >= 0x80);
    let zero = serial.iter().all(|octet| *octet == 0);
    breach(negative || (zero && least > 0), "serialNumber", "it is not positive (RFC 5280 §4.1.2.2)")
        .or(breach(serial.len() > 20, "serialNumber", "it has more than 20 octets (RFC 5280 §4.1.2.2)"))
}

/// What a certificate says of its issuer's key.
fn key_identifier_of_issuer(extensions: &Extensions<'_>) -> Breach {
    let identifier = extensions.authority_key_identifier.as_ref().map(|extension| &extension.value);
    let more = identifier.is_some_and(|identifier| {
        identifier.authority_cert_issuer.is_some() || identifier.authority_cert_serial_number.is_some()
    });
    let named = identifier.is_some_and(|identifier| identifier.key_identifier.is_some());
    breach(!named, "authorityKeyIdentifier", "there is no keyIdentifier (RFC 5280 §4.2.1.1)").or(breach(
        more,
        "authorityKeyIdentifier",
        "it names the issuer's certificate (BR §7.1.2.11.1, §7.1.2.1.3)",
    ))
}

/// What the certificate of an authority owes.
fn authority(certificate: &Certificate<'_>) -> Verdict {
    let extensions = &certificate.extensions;
    let constraints = extensions.policy_constraints.as_ref();
    let no_constraint = |constraints: &PolicyConstraints| {
        constraints.require_explicit_policy.is_none() && constraints.inhibit_policy_mapping.is_none()
    };
    let subtrees = extensions.name_constraints.as_ref().map(|extension| &extension.value);
    let some = |list: &Option<Vec<_>>| list.as_ref().is_some_and(|list| !list.is_empty());
    holds(
        certificate,
        &[
            breach(certificate.subject.is_empty(), "subject", "an authority's is empty (RFC 5280 §4.1.2.6)"),
            breach(
                extensions.subject_key_identifier.is_none(),
                "subjectKeyIdentifier",
                "an authority's is missing (RFC 5280 §4.2.1.2)",
            ),
            always_critical(
                &extensions.basic_constraints,
                "basicConstraints",
                "an authority's is not critical (RFC 5280 §4.2.1.9)",
            ),
            always_critical(
                &extensions.policy_constraints,
                "policyConstraints",
                "it is not critical (RFC 5280 §4.2.1.11)",
            ),
            breach(
                constraints.is_some_and(|constraints| no_constraint(&constraints.value)),
                "policyConstraints",
                "it is empty (RFC 5280 §4.2.1.11)",
            ),
            always_critical(
                &extensions.inhibit_any_policy,
                "inhibitAnyPolicy",
                "it is not critical (RFC 5280 §4.2.1.14)",
            ),
            breach(
                subtrees.is_some_and(|subtrees| {
                    !some(&subtrees.permitted_subtrees) && !some(&subtrees.excluded_subtrees)
                }),
                "nameConstraints",
                "it is empty (RFC 5280 §4.2.1.10)",
            ),
        ],
    )
}

/// What an end entity's key may not be for.
fn end_entity_usage(certificate: &Certificate<'_>) -> Breach {
    let extensions = &certificate.extensions;
    let signs =
        extensions.key_usage.as_ref().is_some_and(|usage| usage.value.contains(KeyUsage::KEY_CERT_SIGN));
    let basic = extensions.basic_constraints.as_ref();
    breach(signs, "keyUsage", "keyCertSign is for authorities (RFC 5280 §4.2.1.9)").or(breach(
        basic.is_some_and(|basic| basic.value.path_len_constraint.is_some()),
        "basicConstraints",
        "pathLenConstraint is for authorities (RFC 5280 §4.2.1.9)",
    ))
}

/// RFC 5280 §4.2.1.6, BR §7.1.2.7.12.
fn alternative_names(certificate: &Certificate<'_>) -> Breach {
    const FIELD: &str = "subjectAltName";
    let extension = certificate.extensions.subject_alt_name.as_ref();
    let anonymous = certificate.subject.is_empty();
    let critical = extension.is_some_and(|extension| extension.critical);
    breach(
        extension.is_some_and(|extension| extension.value.is_empty()),
        FIELD,
        "it is empty (RFC 5280 §4.2.1.6)",
    )
    .or(breach(
        anonymous && !critical,
        FIELD,
        "it is not critical, and there is no subject (RFC 5280 §4.2.1.6)",
    ))
    .or(breach(!anonymous && critical, FIELD, "it is critical, and there is a subject (BR §7.1.2.7.12)"))
}

/// BR §7.1.2.7.10 and §7.1.2.7.11.
fn server_usage(certificate: &Certificate<'_>) -> Breach {
    const FIELD: &str = "extKeyUsage";
    let Some(purposes) = usage::purposes(certificate) else {
        return Some((FIELD, "a server's is missing (BR §7.1.2.7.6)"));
    };
    let forbidden =
        |purpose: &KeyPurposeId| *purpose == KeyPurposeId::ANY || NOT_FOR_SERVERS.contains(purpose);
    let usage = certificate.extensions.key_usage.as_ref().map(|usage| usage.value);
    let signs_lists = usage.is_some_and(|usage| usage.contains(KeyUsage::CRL_SIGN));
    let never_signs = usage.is_some_and(|usage| !usage.contains(KeyUsage::DIGITAL_SIGNATURE));
    breach(
        purposes.iter().any(forbidden),
        FIELD,
        "a server's has a purpose that none may have (BR §7.1.2.7.10)",
    )
    .or(breach(signs_lists, "keyUsage", "a server's has cRLSign (BR §7.1.2.7.11)"))
    .or(breach(
        never_signs && algorithms::rsa_bits(certificate).is_none(),
        "keyUsage",
        "a server's has no digitalSignature, and its key can nothing else (BR §7.1.2.7.11)",
    ))
}

/// BR §7.1.2.7.12: what names of servers are made of.
fn server_names(certificate: &Certificate<'_>) -> Breach {
    const FIELD: &str = "subjectAltName";
    let names = names::alternative_names(certificate);
    let wrong = |name: &GeneralName<'_>| match name {
        GeneralName::Dns(octets) => DnsName::parse(octets)
            .is_none_or(|name| !name.is_ldh() || name.wildcard && !name.rest.contains('.')),
        GeneralName::Ip(octets) => !matches!(octets.len(), 4 | 16),
        _ => false,
    };
    breach(names.iter().any(wrong), FIELD, "a dNSName or iPAddress cannot be one (BR §7.1.2.7.12)")
}

fn never_critical<T>(extension: &Option<Extension<T>>, field: &'static str, reason: &'static str) -> Breach {
    breach(extension.as_ref().is_some_and(|extension| extension.critical), field, reason)
}

fn always_critical<T>(extension: &Option<Extension<T>>, field: &'static str, reason: &'static str) -> Breach {
    breach(extension.as_ref().is_some_and(|extension| !extension.critical), field, reason)
}

pub(super) fn breach(is_one: bool, field: &'static str, reason: &'static str) -> Breach {
    is_one.then_some((field, reason))
}

/// The first breach is the error.
fn holds(certificate: &Certificate<'_>, breaches: &[Breach]) -> Verdict {
    match breaches.iter().flatten().next() {
        Some((field, reason)) => Err(malformed(field, certificate, reason)),
        None => Ok(()),
    }
}
