//! Certificates (RFC 5280 §4.1).

use std::time::SystemTime;

use der::asn1::ObjectIdentifier;

use crate::{
    Extensions, KeyUsage, Malformed, Name,
    reader::{Reader, Tag},
};

/// A certificate of version 1 to 3, borrowed from its DER.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Certificate<'a> {
    /// All of it, as it was given.
    pub der: &'a [u8],
    /// The TBSCertificate with its tag and length: what the signature is over.
    pub tbs_certificate: &'a [u8],
    /// 1, 2 or 3.
    pub version: u8,
    /// The content octets of the serial number's INTEGER, as they are: two's complement, the highest first.
    pub serial_number: &'a [u8],
    /// The algorithm that the TBSCertificate names; RFC 5280 §4.1.1.2 wants it equal to `signature_algorithm`, which
    /// is the verifier's to check.
    pub tbs_signature: AlgorithmIdentifier<'a>,
    /// Who issued it.
    pub issuer: Name<'a>,
    /// From when to when it is valid.
    pub validity: Validity,
    /// Whom it speaks for.
    pub subject: Name<'a>,
    /// The key.
    pub subject_public_key_info: SubjectPublicKeyInfo<'a>,
    /// The extensions; empty below version 3.
    pub extensions: Extensions<'a>,
    /// The algorithm of the signature.
    pub signature_algorithm: AlgorithmIdentifier<'a>,
    /// The signature, without the count of unused bits, which is zero.
    pub signature_value: &'a [u8],
}

impl<'a> Certificate<'a> {
    /// Reads a certificate; nothing may follow it.
    ///
    /// # Errors
    /// [`Malformed`] where it is not what RFC 5280 §4.1 says: not DER, a field missing or of another type, a known
    /// extension that cannot be parsed, one extension twice (§4.2), extensions below version 3. Rules of profiles
    /// (a positive serial number, which extension is critical) are the verifier's.
    pub fn parse(der: &'a [u8]) -> Result<Self, Malformed> {
        let mut outer = Reader::new(der, "certificate");
        let mut certificate = outer.sequence()?;
        outer.finish()?;
        let tbs = certificate.at("tbsCertificate").expect(Tag::SEQUENCE)?;
        let signature_algorithm = AlgorithmIdentifier::read(certificate.at("signatureAlgorithm"))?;
        let signature_value = certificate.at("signatureValue").octets_of_bits()?;
        certificate.at("certificate").finish()?;

        let mut fields = certificate.inside(tbs);
        let version = version(fields.at("version"))?;
        let serial_number = fields.at("serialNumber").integer()?;
        let tbs_signature = AlgorithmIdentifier::read(fields.at("signature"))?;
        let issuer = Name::read(fields.at("issuer"))?;
        let validity = Validity::read(fields.at("validity"))?;
        let subject = Name::read(fields.at("subject"))?;
        let subject_public_key_info = SubjectPublicKeyInfo::read(fields.at("subjectPublicKeyInfo"))?;
        unique_identifiers(&mut fields, version)?;
        let extensions = extensions(fields.at("extensions"), version)?;
        fields.at("tbsCertificate").finish()?;
        Ok(Self {
            der,
            tbs_certificate: tbs.der,
            version,
            serial_number,
            tbs_signature,
            issuer,
            validity,
            subject,
            subject_public_key_info,
            extensions,
            signature_algorithm,
            signature_value,
        })
    }

    /// Whether issuer and subject are one name (RFC 5280 §6.1: self-issued).
    pub fn is_self_issued(&self) -> bool {
        self.issuer.matches(&self.subject)
    }
}

/// `[0]` EXPLICIT Version DEFAULT v1. An encoded v1 is refused, as BoringSSL does: no certificate in use has it.
fn version(fields: &mut Reader<'_>) -> Result<u8, Malformed> {
    let Some(mut explicit) = fields.optional_within(Tag::constructed(0))? else { return Ok(1) };
    let version = match explicit.integer()? {
        [1] => 2,
        [2] => 3,
        _ => return Err(explicit.malformed("the version is neither 2 nor 3, nor left out for 1")),
    };
    explicit.finish()?;
    Ok(version)
}

/// RFC 5280 §4.1.2.8: nobody uses them, and they are stepped over. Version 1 has none.
fn unique_identifiers(fields: &mut Reader<'_>, version: u8) -> Result<(), Malformed> {
    for (number, field) in [(1, "issuerUniqueID"), (2, "subjectUniqueID")] {
        let Some(identifier) = fields.at(field).optional(Tag::primitive(number))? else { continue };
        fields.bits(identifier.value)?;
        if version == 1 {
            return Err(fields.malformed("version 1 has none"));
        }
    }
    Ok(())
}

/// `[3]` EXPLICIT Extensions OPTIONAL.
fn extensions<'a>(fields: &mut Reader<'a>, version: u8) -> Result<Extensions<'a>, Malformed> {
    let Some(mut explicit) = fields.optional_within(Tag::constructed(3))? else {
        return Ok(Extensions::default());
    };
    if version < 3 {
        return Err(fields.malformed("only version 3 has extensions"));
    }
    let extensions = Extensions::read(&mut explicit)?;
    explicit.at("extensions").finish()?;
    Ok(extensions)
}

/// An AlgorithmIdentifier (RFC 5280 §4.1.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AlgorithmIdentifier<'a> {
    /// All of it with tag and length: two are equal where these octets are.
    pub der: &'a [u8],
    /// Which algorithm.
    pub algorithm: ObjectIdentifier,
    /// Its parameters with tag and length, where there are any.
    pub parameters: Option<&'a [u8]>,
}

impl<'a> AlgorithmIdentifier<'a> {
    pub(crate) fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let identifier = reader.expect(Tag::SEQUENCE)?;
        let mut fields = reader.inside(identifier);
        let algorithm = fields.oid()?;
        let parameters = match fields.is_finished() {
            true => None,
            false => Some(fields.element()?.der),
        };
        fields.finish()?;
        Ok(Self { der: identifier.der, algorithm, parameters })
    }
}

/// A SubjectPublicKeyInfo (RFC 5280 §4.1.2.7).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct SubjectPublicKeyInfo<'a> {
    /// All of it with tag and length: what a pin is the digest of, and what a signature is verified with.
    pub der: &'a [u8],
    /// The kind of key.
    pub algorithm: AlgorithmIdentifier<'a>,
    /// The key's bits, without the count of unused bits, which is zero.
    pub subject_public_key: &'a [u8],
}

impl<'a> SubjectPublicKeyInfo<'a> {
    /// The key of a certificate, and nothing else of it: what stands before is stepped over. For who asks about the key
    /// of one that is read already, or trusted whatever it says.
    ///
    /// # Errors
    /// [`Malformed`] where the way to the key, or the key, is not what RFC 5280 §4.1 says.
    pub fn of_certificate(der: &'a [u8]) -> Result<Self, Malformed> {
        Self::behind_others(&mut Reader::new(der, "certificate").sequence()?.at("tbsCertificate").sequence()?)
    }

    /// The key from the fields of a TBSCertificate, of which those before it are stepped over.
    fn behind_others(fields: &mut Reader<'a>) -> Result<Self, Malformed> {
        fields.at("version").optional(Tag::constructed(0))?;
        for field in ["serialNumber", "signature", "issuer", "validity", "subject"] {
            fields.at(field).element()?;
        }
        Self::read(fields.at("subjectPublicKeyInfo"))
    }

    /// Reads one that stands alone; nothing may follow it.
    ///
    /// # Errors
    /// [`Malformed`] where it is not what RFC 5280 §4.1 says.
    pub fn parse(der: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(der, "subjectPublicKeyInfo");
        let info = Self::read(&mut reader)?;
        reader.finish()?;
        Ok(info)
    }

    fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let info = reader.expect(Tag::SEQUENCE)?;
        let mut fields = reader.inside(info);
        let algorithm = AlgorithmIdentifier::read(&mut fields)?;
        let subject_public_key = fields.at("subjectPublicKey").octets_of_bits()?;
        fields.finish()?;
        Ok(Self { der: info.der, algorithm, subject_public_key })
    }
}

/// The key of a certificate and what it is for, and nothing else of it: whatever stands beside is stepped over, one level at
/// a time. For who asks about the key of a certificate that another has found good, by rules of his own.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct CertifiedKey<'a> {
    /// The key.
    pub subject_public_key_info: SubjectPublicKeyInfo<'a>,
    /// RFC 5280 §4.2.1.3, where the certificate says it.
    pub key_usage: Option<KeyUsage>,
}

impl<'a> CertifiedKey<'a> {
    /// Reads them from a certificate; nothing may follow it.
    ///
    /// # Errors
    /// [`Malformed`] where the way to the key or to its usage, or one of the two, is not what RFC 5280 says.
    pub fn of_certificate(der: &'a [u8]) -> Result<Self, Malformed> {
        let mut outer = Reader::new(der, "certificate");
        let mut fields = outer.sequence()?.at("tbsCertificate").sequence()?;
        outer.finish()?;
        let subject_public_key_info = SubjectPublicKeyInfo::behind_others(&mut fields)?;
        let mut key_usage = None;
        while !fields.is_finished() {
            if let Some(mut explicit) = fields.at("extensions").optional_within(Tag::constructed(3))? {
                key_usage = KeyUsage::find(explicit.sequence()?)?;
            } else {
                fields.element()?;
            }
        }
        Ok(Self { subject_public_key_info, key_usage })
    }
}

/// The validity period (RFC 5280 §4.1.2.5): both ends belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Validity {
    /// The first second.
    pub not_before: SystemTime,
    /// The last second, all of it.
    pub not_after: SystemTime,
}

impl Validity {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut fields = reader.sequence()?;
        let not_before = fields.at("notBefore").time()?;
        let not_after = fields.at("notAfter").time()?;
        fields.at("validity").finish()?;
        Ok(Self { not_before, not_after })
    }
}

#[cfg(test)]
mod tests;
