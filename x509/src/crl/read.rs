//! How lists and their entries are read.

use super::{CertificateList, IssuingDistributionPoint, RevocationReason, RevokedCertificate};
use crate::{
    AlgorithmIdentifier, AuthorityKeyIdentifier, DistributionPoint, GeneralName, Malformed, Name,
    extensions::{RawExtension, each_extension},
    reader::{Reader, Tag},
};

/// Content octets of the identifiers, id-ce (2.5.29).
mod id {
    pub(super) const CRL_NUMBER: &[u8] = &[0x55, 0x1d, 20];
    pub(super) const REASON_CODE: &[u8] = &[0x55, 0x1d, 21];
    pub(super) const INVALIDITY_DATE: &[u8] = &[0x55, 0x1d, 24];
    pub(super) const DELTA_CRL_INDICATOR: &[u8] = &[0x55, 0x1d, 27];
    pub(super) const ISSUING_DISTRIBUTION_POINT: &[u8] = &[0x55, 0x1d, 28];
    pub(super) const CERTIFICATE_ISSUER: &[u8] = &[0x55, 0x1d, 29];
    pub(super) const AUTHORITY_KEY_IDENTIFIER: &[u8] = &[0x55, 0x1d, 35];
    pub(super) const FRESHEST_CRL: &[u8] = &[0x55, 0x1d, 46];
}

pub(super) fn certificate_list(der: &[u8]) -> Result<CertificateList<'_>, Malformed> {
    let mut outer = Reader::new(der, "certificateList");
    let mut list = outer.sequence()?;
    outer.finish()?;
    let tbs = list.at("tbsCertList").expect(Tag::SEQUENCE)?;
    let signature_algorithm = AlgorithmIdentifier::read(list.at("signatureAlgorithm"))?;
    let signature_value = list.at("signatureValue").octets_of_bits()?;
    list.at("certificateList").finish()?;

    let mut fields = list.inside(tbs);
    let version = version(fields.at("version"))?;
    let tbs_signature = AlgorithmIdentifier::read(fields.at("signature"))?;
    let issuer = Name::read(fields.at("issuer"))?;
    let this_update = fields.at("thisUpdate").time()?;
    let next_update = match fields.next_is_time() {
        true => Some(fields.at("nextUpdate").time()?),
        false => None,
    };
    let mut parsed = CertificateList {
        tbs_cert_list: tbs.der,
        version,
        tbs_signature,
        issuer,
        this_update,
        next_update,
        authority_key_identifier: None,
        crl_number: None,
        is_delta: false,
        issuing_distribution_point: None,
        unknown_critical: Vec::new(),
        signature_algorithm,
        signature_value,
        revoked_certificates: revoked_certificates(fields.at("revokedCertificates"), version)?,
    };
    parsed.crl_extensions(fields.at("crlExtensions"))?;
    fields.at("tbsCertList").finish()?;
    Ok(parsed)
}

/// Version OPTIONAL: 2 where it is there.
fn version(fields: &mut Reader<'_>) -> Result<u8, Malformed> {
    if !fields.next_is(Tag::INTEGER) {
        return Ok(1);
    }
    match fields.integer()? {
        [1] => Ok(2),
        _ => Err(fields.malformed("the version is neither 2 nor left out for 1")),
    }
}

fn not_in_version_1(extensions: &Reader<'_>, version: u8) -> Result<(), Malformed> {
    match version {
        2 => Ok(()),
        _ => Err(extensions.malformed("only version 2 has extensions")),
    }
}

/// The content octets of revokedCertificates, with each entry checked. RFC 5280 §5.1.2.6 wants an empty list left out;
/// one that is there says the same.
fn revoked_certificates<'a>(fields: &mut Reader<'a>, version: u8) -> Result<&'a [u8], Malformed> {
    let Some(list) = fields.optional(Tag::SEQUENCE)? else { return Ok(&[]) };
    let mut entries = fields.inside(list);
    while !entries.is_finished() {
        RevokedCertificate::read(&mut entries, version)?;
    }
    Ok(list.value)
}

impl<'a> CertificateList<'a> {
    /// `[0]` EXPLICIT Extensions OPTIONAL.
    fn crl_extensions(&mut self, fields: &mut Reader<'a>) -> Result<(), Malformed> {
        let Some(mut explicit) = fields.optional_within(Tag::constructed(0))? else { return Ok(()) };
        not_in_version_1(&explicit, self.version)?;
        each_extension(&mut explicit, |extension| self.note(&extension))?;
        explicit.finish()
    }

    fn note(&mut self, raw: &RawExtension<'a>) -> Result<(), Malformed> {
        match raw.id {
            id::CRL_NUMBER => {
                self.crl_number = Some((raw.parse("cRLNumber", not_negative)?, raw.critical));
            }
            id::DELTA_CRL_INDICATOR => {
                raw.parse("deltaCRLIndicator", not_negative)?;
                self.is_delta = true;
            }
            id::ISSUING_DISTRIBUTION_POINT => {
                let point = raw.parse("issuingDistributionPoint", IssuingDistributionPoint::read)?;
                self.issuing_distribution_point = Some(point);
            }
            id::AUTHORITY_KEY_IDENTIFIER => {
                let identifier = raw.parse("authorityKeyIdentifier", AuthorityKeyIdentifier::read)?;
                self.authority_key_identifier = Some(identifier);
            }
            // Where newer lists are: who does without them loses nothing but time.
            id::FRESHEST_CRL => {
                raw.parse("freshestCRL", DistributionPoint::read_all)?;
            }
            _ => raw.note_unknown(&mut self.unknown_critical)?,
        }
        Ok(())
    }
}

/// INTEGER (0..MAX): its content octets.
fn not_negative<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], Malformed> {
    let content = reader.integer()?;
    reader.unsigned(content)?;
    Ok(content)
}

impl<'a> RevokedCertificate<'a> {
    pub(super) fn read(entries: &mut Reader<'a>, version: u8) -> Result<Self, Malformed> {
        let mut fields = entries.sequence()?;
        let mut entry = Self {
            serial_number: fields.at("userCertificate").integer()?,
            revocation_date: fields.at("revocationDate").time()?,
            reason: None,
            certificate_issuer: None,
            unknown_critical: Vec::new(),
        };
        if !fields.is_finished() {
            not_in_version_1(fields.at("crlEntryExtensions"), version)?;
            each_extension(&mut fields, |extension| entry.note(&extension))?;
        }
        fields.finish()?;
        Ok(entry)
    }

    fn note(&mut self, raw: &RawExtension<'a>) -> Result<(), Malformed> {
        match raw.id {
            id::REASON_CODE => self.reason = Some(raw.parse("reasonCode", RevocationReason::read)?),
            // The date of revocation is what counts: RFC 5280 §5.3.2 has it for people.
            id::INVALIDITY_DATE => {
                raw.parse("invalidityDate", Reader::generalized_time)?;
            }
            id::CERTIFICATE_ISSUER => {
                let names = |reader: &mut Reader<'a>| GeneralName::read_all(reader.sequence()?);
                self.certificate_issuer = Some(raw.parse("certificateIssuer", names)?);
            }
            _ => raw.note_unknown(&mut self.unknown_critical)?,
        }
        Ok(())
    }
}

impl RevocationReason {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let content = reader.expect(Tag::ENUMERATED)?.value;
        match reader.minimal(content)? {
            [code] => Self::from_code(*code),
            _ => None,
        }
        .ok_or_else(|| reader.malformed("it is no reason of RFC 5280 §5.3.1"))
    }
}
