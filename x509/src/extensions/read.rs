//! How the values of extensions are read.

use der::asn1::ObjectIdentifier;

use super::{
    AuthorityKeyIdentifier, BasicConstraints, CertificatePolicies, Extensions, KeyPurposeId, KeyUsage,
    NameConstraints, PolicyConstraints, RawExtension, TlsFeature, each_extension, raw::has_twice,
};
use crate::{
    DistributionPoint, GeneralName, GeneralSubtree, Malformed,
    reader::{Reader, Tag, representable},
};

/// Content octets of the identifiers, id-ce (2.5.29) and id-pe (1.3.6.1.5.5.7.1).
mod id {
    pub(super) const SUBJECT_KEY_IDENTIFIER: &[u8] = &[0x55, 0x1d, 14];
    pub(super) const KEY_USAGE: &[u8] = &[0x55, 0x1d, 15];
    pub(super) const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 17];
    pub(super) const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 19];
    pub(super) const NAME_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 30];
    pub(super) const CRL_DISTRIBUTION_POINTS: &[u8] = &[0x55, 0x1d, 31];
    pub(super) const CERTIFICATE_POLICIES: &[u8] = &[0x55, 0x1d, 32];
    pub(super) const POLICY_MAPPINGS: &[u8] = &[0x55, 0x1d, 33];
    pub(super) const AUTHORITY_KEY_IDENTIFIER: &[u8] = &[0x55, 0x1d, 35];
    pub(super) const POLICY_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 36];
    pub(super) const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 37];
    pub(super) const INHIBIT_ANY_POLICY: &[u8] = &[0x55, 0x1d, 54];
    pub(super) const AUTHORITY_INFO_ACCESS: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 1, 1];
    pub(super) const TLS_FEATURE: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 1, 24];
    pub(super) const OCSP_NO_CHECK: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 0x30, 1, 5];
    /// id-qt-cps and id-qt-unotice.
    pub(super) const KNOWN_QUALIFIERS: [&[u8]; 2] =
        [&[0x2b, 6, 1, 5, 5, 7, 2, 1], &[0x2b, 6, 1, 5, 5, 7, 2, 2]];
}

impl<'a> Extensions<'a> {
    pub(crate) fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let mut extensions = Self::default();
        each_extension(reader, |extension| extensions.note(&extension))?;
        Ok(extensions)
    }

    fn note(&mut self, raw: &RawExtension<'a>) -> Result<(), Malformed> {
        match raw.id {
            id::SUBJECT_KEY_IDENTIFIER => {
                self.subject_key_identifier = raw.known("subjectKeyIdentifier", key_identifier)?;
            }
            id::KEY_USAGE => self.key_usage = raw.known("keyUsage", KeyUsage::read)?,
            id::SUBJECT_ALT_NAME => self.subject_alt_name = raw.known("subjectAltName", subject_alt_name)?,
            id::BASIC_CONSTRAINTS => {
                self.basic_constraints = raw.known("basicConstraints", BasicConstraints::read)?;
            }
            id::NAME_CONSTRAINTS => {
                self.name_constraints = raw.known("nameConstraints", NameConstraints::read)?
            }
            id::CRL_DISTRIBUTION_POINTS => {
                self.crl_distribution_points =
                    raw.known("cRLDistributionPoints", DistributionPoint::read_all)?;
            }
            id::CERTIFICATE_POLICIES => {
                self.certificate_policies = raw.known("certificatePolicies", CertificatePolicies::read)?;
            }
            id::POLICY_MAPPINGS => self.policy_mappings = raw.known("policyMappings", policy_mappings)?,
            id::AUTHORITY_KEY_IDENTIFIER => {
                self.authority_key_identifier =
                    raw.known("authorityKeyIdentifier", AuthorityKeyIdentifier::read)?;
            }
            id::POLICY_CONSTRAINTS => {
                self.policy_constraints = raw.known("policyConstraints", PolicyConstraints::read)?;
            }
            id::EXTENDED_KEY_USAGE => self.extended_key_usage = raw.known("extKeyUsage", key_purposes)?,
            id::INHIBIT_ANY_POLICY => self.inhibit_any_policy = raw.known("inhibitAnyPolicy", skip_certs)?,
            id::AUTHORITY_INFO_ACCESS => {
                self.authority_info_access = raw.known("authorityInfoAccess", authority_info_access)?;
            }
            id::TLS_FEATURE => self.tls_feature = raw.known("TLSFeatures", tls_features)?,
            id::OCSP_NO_CHECK => self.ocsp_no_check = raw.known("id-pkix-ocsp-nocheck", null)?.is_some(),
            _ => raw.note_unknown(&mut self.unknown_critical)?,
        }
        Ok(())
    }
}

fn key_identifier<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], Malformed> {
    Ok(reader.expect(Tag::OCTET_STRING)?.value)
}

fn null(reader: &mut Reader<'_>) -> Result<(), Malformed> {
    match reader.expect(Tag::NULL)?.value {
        [] => Ok(()),
        _ => Err(reader.malformed("NULL has content")),
    }
}

/// SIZE (1..MAX).
fn not_empty<T>(reader: &Reader<'_>, list: Vec<T>) -> Result<Vec<T>, Malformed> {
    match list.is_empty() {
        false => Ok(list),
        true => Err(reader.malformed("the list is empty")),
    }
}

fn subject_alt_name<'a>(reader: &mut Reader<'a>) -> Result<Vec<GeneralName<'a>>, Malformed> {
    reader.sequence()?.all(GeneralName::read)
}

impl<'a> AuthorityKeyIdentifier<'a> {
    pub(crate) fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let mut fields = reader.sequence()?;
        let key_identifier = fields.optional(Tag::primitive(0))?.map(|element| element.value);
        let authority_cert_issuer = match fields.optional_within(Tag::constructed(1))? {
            Some(names) => Some(GeneralName::read_all(names)?),
            None => None,
        };
        let authority_cert_serial_number = match fields.optional(Tag::primitive(2))? {
            Some(serial) => Some(fields.minimal(serial.value)?),
            None => None,
        };
        fields.finish()?;
        Ok(Self { key_identifier, authority_cert_issuer, authority_cert_serial_number })
    }
}

impl KeyUsage {
    /// A named bit list. DER cuts off the zero bits at its end; those that are there do no harm.
    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let content = reader.expect(Tag::BIT_STRING)?.value;
        let (_, octets) = reader.bits(content)?;
        Ok(Self::of_octets(octets))
    }

    fn of_octets(octets: &[u8]) -> Self {
        // The first bit is the highest of the first octet.
        let octet = |index| octets.get(index).copied().map_or(0, u8::reverse_bits);
        Self(u16::from_le_bytes([octet(0), octet(1)]))
    }

    /// The first of these extensions that is keyUsage. The others are stepped over, and so is whether it is critical, and
    /// whether bits that are unused are set.
    pub(crate) fn find(mut extensions: Reader<'_>) -> Result<Option<Self>, Malformed> {
        while !extensions.is_finished() {
            let mut extension = extensions.sequence()?;
            if extension.at("extnID").oid_octets()? != id::KEY_USAGE {
                continue;
            }
            extension.at("critical").optional(Tag::BOOLEAN)?;
            let value = extension.at("keyUsage").expect(Tag::OCTET_STRING)?.value;
            let mut value = Reader::new(value, "keyUsage");
            let content = value.expect(Tag::BIT_STRING)?.value;
            value.finish()?;
            return match content {
                [0..=7, octets @ ..] => Ok(Some(Self::of_octets(octets))),
                _ => Err(value.malformed("the BIT STRING does not say how many bits are unused")),
            };
        }
        Ok(None)
    }
}

impl CertificatePolicies {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut list = reader.sequence()?;
        let mut unknown_qualifier = false;
        let mut ids = Vec::new();
        while !list.is_finished() {
            let mut policy = list.sequence()?;
            ids.push(policy.oid_octets()?);
            if !policy.is_finished() {
                unknown_qualifier |= has_unknown_qualifier(&mut policy)?;
            }
            policy.finish()?;
        }
        let ids = not_empty(reader, ids)?;
        // A policy whose identifier cannot be held is one that no verifier can be asked for.
        let policies = ids.iter().copied().filter_map(representable).collect();
        let mut sorted = ids;
        match has_twice(&mut sorted) {
            // RFC 5280 §4.2.1.4.
            Some(_) => Err(reader.malformed("one policy is there twice")),
            None => Ok(Self { policies, unknown_qualifier }),
        }
    }
}

/// policyQualifiers: whether one of them is neither a CPS pointer nor a user notice.
fn has_unknown_qualifier(policy: &mut Reader<'_>) -> Result<bool, Malformed> {
    let qualifiers = policy.sequence()?.all(|qualifiers| {
        let mut qualifier = qualifiers.sequence()?;
        let id = qualifier.oid_octets()?;
        qualifier.element()?;
        qualifier.finish()?;
        Ok(id)
    })?;
    let qualifiers = not_empty(policy, qualifiers)?;
    Ok(qualifiers.iter().any(|qualifier| !id::KNOWN_QUALIFIERS.contains(qualifier)))
}

fn policy_mappings(reader: &mut Reader<'_>) -> Result<Vec<(ObjectIdentifier, ObjectIdentifier)>, Malformed> {
    let mappings = reader.sequence()?.all(|mappings| {
        let mut mapping = mappings.sequence()?;
        let pair = (mapping.oid()?, mapping.oid()?);
        mapping.finish()?;
        Ok(pair)
    })?;
    not_empty(reader, mappings)
}

impl BasicConstraints {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut fields = reader.sequence()?;
        let ca = fields.default_false(Tag::BOOLEAN)?;
        let path_len_constraint = fields.optional_unsigned(Tag::INTEGER)?;
        fields.finish()?;
        Ok(Self { ca, path_len_constraint })
    }
}

impl<'a> NameConstraints<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let mut fields = reader.sequence()?;
        let mut subtrees = |number| match fields.optional_within(Tag::constructed(number))? {
            Some(subtrees) => subtrees.all(GeneralSubtree::read).map(Some),
            None => Ok(None),
        };
        let (permitted_subtrees, excluded_subtrees) = (subtrees(0)?, subtrees(1)?);
        fields.finish()?;
        Ok(Self { permitted_subtrees, excluded_subtrees })
    }
}

impl PolicyConstraints {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut fields = reader.sequence()?;
        let require_explicit_policy = fields.optional_unsigned(Tag::primitive(0))?;
        let inhibit_policy_mapping = fields.optional_unsigned(Tag::primitive(1))?;
        fields.finish()?;
        Ok(Self { require_explicit_policy, inhibit_policy_mapping })
    }
}

fn skip_certs(reader: &mut Reader<'_>) -> Result<u32, Malformed> {
    let skip_certs = reader.integer()?;
    reader.unsigned(skip_certs)
}

/// A purpose whose identifier cannot be held is one that nobody asks for. Where no other is left the list is empty, and
/// never absent: the key is then good for nothing.
fn key_purposes(reader: &mut Reader<'_>) -> Result<Vec<KeyPurposeId>, Malformed> {
    let purposes = reader.sequence()?.all(Reader::oid_octets)?;
    Ok(purposes.into_iter().filter_map(representable).map(KeyPurposeId).collect())
}

fn authority_info_access(reader: &mut Reader<'_>) -> Result<(), Malformed> {
    let descriptions = reader.sequence()?.all(|descriptions| {
        let mut description = descriptions.sequence()?;
        description.oid_octets()?;
        GeneralName::read(&mut description)?;
        description.finish()
    })?;
    not_empty(reader, descriptions)?;
    Ok(())
}

fn tls_features(reader: &mut Reader<'_>) -> Result<Vec<TlsFeature>, Malformed> {
    reader.sequence()?.all(|features| {
        let feature = features.integer()?;
        let feature = features.unsigned(feature)?;
        let feature = u16::try_from(feature)
            .map_err(|_| features.malformed("it names a number that no TLS extension has"))?;
        Ok(TlsFeature(feature))
    })
}
