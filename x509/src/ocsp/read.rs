//! How OCSP responses are read.

use der::asn1::ObjectIdentifier;

use super::{BasicOcspResponse, CertId, CertStatus, OcspResponse, ResponderId, SingleResponse};
use crate::{
    AlgorithmIdentifier, Malformed, Name, RevocationReason,
    extensions::each_extension,
    reader::{Element, Reader, Tag},
};

/// Content octets of id-pkix-ocsp-basic, 1.3.6.1.5.5.7.48.1.1.
const ID_PKIX_OCSP_BASIC: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 0x30, 1, 1];

pub(super) fn ocsp_response(der: &[u8]) -> Result<OcspResponse<'_>, Malformed> {
    let mut outer = Reader::new(der, "OCSPResponse");
    let mut response = outer.sequence()?;
    outer.finish()?;
    let status = response.at("responseStatus").expect(Tag::ENUMERATED)?.value;
    let bytes = response.at("responseBytes").optional_within(Tag::constructed(0))?;
    response.at("OCSPResponse").finish()?;
    match (status, bytes) {
        ([0], Some(bytes)) => response_bytes(bytes).map(OcspResponse::Basic),
        ([0], None) => Err(Malformed::new("responseBytes", "a successful response has none")),
        (&[status @ (1 | 2 | 3 | 5 | 6)], None) => Ok(OcspResponse::Unsuccessful(status)),
        ([1 | 2 | 3 | 5 | 6], Some(_)) => {
            Err(Malformed::new("responseBytes", "a response that is not successful has some"))
        }
        _ => Err(Malformed::new("responseStatus", "it is no status of RFC 6960 §4.2.1")),
    }
}

fn response_bytes(mut explicit: Reader<'_>) -> Result<BasicOcspResponse<'_>, Malformed> {
    let mut fields = explicit.sequence()?;
    explicit.finish()?;
    if fields.at("responseType").oid_octets()? != ID_PKIX_OCSP_BASIC {
        return Err(fields.malformed("it is not id-pkix-ocsp-basic"));
    }
    let response = fields.at("response").expect(Tag::OCTET_STRING)?;
    fields.finish()?;
    let mut outer = fields.at("BasicOCSPResponse").inside(response);
    let basic = outer.sequence()?;
    outer.finish()?;
    BasicOcspResponse::read(basic)
}

impl<'a> BasicOcspResponse<'a> {
    fn read(mut basic: Reader<'a>) -> Result<Self, Malformed> {
        let tbs = basic.at("tbsResponseData").expect(Tag::SEQUENCE)?;
        let signature_algorithm = AlgorithmIdentifier::read(basic.at("signatureAlgorithm"))?;
        let signature = basic.at("signature").octets_of_bits()?;
        let certs = match basic.at("certs").optional_within(Tag::constructed(0))? {
            Some(explicit) => certs(explicit)?,
            None => Vec::new(),
        };
        basic.at("BasicOCSPResponse").finish()?;

        let mut fields = basic.inside(tbs);
        version(fields.at("version"))?;
        let responder_id = ResponderId::read(fields.at("responderID"))?;
        let produced_at = fields.at("producedAt").generalized_time()?;
        let responses = fields.at("responses").sequence()?.all(SingleResponse::read)?;
        let unknown_critical = extensions(fields.at("responseExtensions"))?;
        fields.at("tbsResponseData").finish()?;
        Ok(Self {
            tbs_response_data: tbs.der,
            responder_id,
            produced_at,
            responses,
            unknown_critical,
            signature_algorithm,
            signature,
            certs,
        })
    }
}

fn certs(mut explicit: Reader<'_>) -> Result<Vec<&[u8]>, Malformed> {
    let certs = explicit.sequence()?.all(|certs| Ok(certs.expect(Tag::SEQUENCE)?.der))?;
    explicit.finish()?;
    Ok(certs)
}

/// `[0]` EXPLICIT Version DEFAULT v1: an encoded v1 says the same, and OpenSSL takes it.
fn version(fields: &mut Reader<'_>) -> Result<(), Malformed> {
    let Some(mut explicit) = fields.optional_within(Tag::constructed(0))? else { return Ok(()) };
    match explicit.integer()? {
        [0] => explicit.finish(),
        _ => Err(explicit.malformed("the version is not 1")),
    }
}

/// `[1]` EXPLICIT Extensions OPTIONAL: the critical ones, for none is known. A nonce is never asked for, so that one in
/// answer to another's question must not be critical.
fn extensions(fields: &mut Reader<'_>) -> Result<Vec<ObjectIdentifier>, Malformed> {
    let mut unknown_critical = Vec::new();
    if let Some(mut explicit) = fields.optional_within(Tag::constructed(1))? {
        each_extension(&mut explicit, |extension| extension.note_unknown(&mut unknown_critical))?;
        explicit.finish()?;
    }
    Ok(unknown_critical)
}

impl<'a> ResponderId<'a> {
    fn read(fields: &mut Reader<'a>) -> Result<Self, Malformed> {
        let choice = fields.element()?;
        let mut explicit = fields.inside(choice);
        let id = match choice.tag.0 {
            0xa1 => Self::ByName(Name::read(&mut explicit)?),
            0xa2 => Self::ByKey(explicit.expect(Tag::OCTET_STRING)?.value),
            _ => return Err(fields.malformed("it is neither a name nor a key's digest")),
        };
        explicit.finish()?;
        Ok(id)
    }
}

impl<'a> SingleResponse<'a> {
    fn read(responses: &mut Reader<'a>) -> Result<Self, Malformed> {
        let mut fields = responses.sequence()?;
        let cert_id = CertId::read(fields.at("certID"))?;
        let cert_status = CertStatus::read(fields.at("certStatus"))?;
        let this_update = fields.at("thisUpdate").generalized_time()?;
        let next_update = match fields.at("nextUpdate").optional_within(Tag::constructed(0))? {
            Some(mut explicit) => {
                let time = explicit.generalized_time()?;
                explicit.finish()?;
                Some(time)
            }
            None => None,
        };
        let unknown_critical = extensions(fields.at("singleExtensions"))?;
        fields.at("responses").finish()?;
        Ok(Self { cert_id, cert_status, this_update, next_update, unknown_critical })
    }
}

impl<'a> CertId<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let mut fields = reader.sequence()?;
        let hash_algorithm = AlgorithmIdentifier::read(fields.at("hashAlgorithm"))?;
        let issuer_name_hash = fields.at("issuerNameHash").expect(Tag::OCTET_STRING)?.value;
        let issuer_key_hash = fields.at("issuerKeyHash").expect(Tag::OCTET_STRING)?.value;
        let serial_number = fields.at("serialNumber").integer()?;
        fields.at("certID").finish()?;
        Ok(Self { hash_algorithm, issuer_name_hash, issuer_key_hash, serial_number })
    }
}

impl CertStatus {
    fn read(fields: &mut Reader<'_>) -> Result<Self, Malformed> {
        match fields.element()? {
            // good and unknown are NULL, IMPLICIT.
            Element { tag: Tag(0x80), value: [], .. } => Ok(Self::Good),
            Element { tag: Tag(0x82), value: [], .. } => Ok(Self::Unknown),
            revoked @ Element { tag: Tag(0xa1), .. } => Self::revoked(fields.inside(revoked)),
            _ => Err(fields.malformed("it is none of good, revoked and unknown")),
        }
    }

    fn revoked(mut fields: Reader<'_>) -> Result<Self, Malformed> {
        let revocation_time = fields.at("revocationTime").generalized_time()?;
        let reason = match fields.at("revocationReason").optional_within(Tag::constructed(0))? {
            Some(mut explicit) => {
                let reason = RevocationReason::read(&mut explicit)?;
                explicit.finish()?;
                Some(reason)
            }
            None => None,
        };
        fields.finish()?;
        Ok(Self::Revoked { revocation_time, reason })
    }
}
