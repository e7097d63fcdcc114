//! Where a certificate says that its lists are, and what a list says that it covers.

use crate::{
    GeneralName, Malformed,
    reader::{Reader, Tag},
};

/// DistributionPoint (RFC 5280 §4.2.1.13).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DistributionPoint<'a> {
    /// fullName; empty where the point has another kind of name or none.
    pub full_name: Vec<GeneralName<'a>>,
    /// Whether its name is relative to the issuer's.
    pub relative_name: bool,
    /// Whether it covers but some reasons.
    pub some_reasons: bool,
    /// cRLIssuer: who issues the list, where it is not the certificate's issuer.
    pub crl_issuer: Vec<GeneralName<'a>>,
}

/// IssuingDistributionPoint (RFC 5280 §5.2.5): what a list covers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct IssuingDistributionPoint<'a> {
    /// fullName of its distribution point.
    pub full_name: Vec<GeneralName<'a>>,
    /// Whether its name is relative to the issuer's.
    pub relative_name: bool,
    /// Certificates of end entities alone.
    pub only_contains_user_certs: bool,
    /// Certificates of authorities alone.
    pub only_contains_ca_certs: bool,
    /// Some reasons alone.
    pub only_some_reasons: bool,
    /// Certificates of other issuers too.
    pub indirect_crl: bool,
    /// Attribute certificates alone.
    pub only_contains_attribute_certs: bool,
}

impl<'a> DistributionPoint<'a> {
    /// CRLDistributionPoints: one or more.
    pub(crate) fn read_all(reader: &mut Reader<'a>) -> Result<Vec<Self>, Malformed> {
        let points = reader.sequence()?;
        match points.is_finished() {
            false => points.all(Self::read),
            true => Err(points.malformed("the list is empty")),
        }
    }

    fn read(points: &mut Reader<'a>) -> Result<Self, Malformed> {
        let mut fields = points.sequence()?;
        let (full_name, relative_name) = distribution_point_name(&mut fields)?;
        let some_reasons = reasons(&mut fields, Tag::primitive(1))?;
        let crl_issuer = match fields.optional_within(Tag::constructed(2))? {
            Some(names) => GeneralName::read_all(names)?,
            None => Vec::new(),
        };
        fields.finish()?;
        Ok(Self { full_name, relative_name, some_reasons, crl_issuer })
    }
}

impl<'a> IssuingDistributionPoint<'a> {
    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let mut fields = reader.sequence()?;
        let (full_name, relative_name) = distribution_point_name(&mut fields)?;
        let only_contains_user_certs = fields.default_false(Tag::primitive(1))?;
        let only_contains_ca_certs = fields.default_false(Tag::primitive(2))?;
        let only_some_reasons = reasons(&mut fields, Tag::primitive(3))?;
        let indirect_crl = fields.default_false(Tag::primitive(4))?;
        let only_contains_attribute_certs = fields.default_false(Tag::primitive(5))?;
        fields.finish()?;
        Ok(Self {
            full_name,
            relative_name,
            only_contains_user_certs,
            only_contains_ca_certs,
            only_some_reasons,
            indirect_crl,
            only_contains_attribute_certs,
        })
    }
}

/// `[0]` DistributionPointName OPTIONAL, a CHOICE and so EXPLICIT: fullName, and whether it is
/// nameRelativeToCRLIssuer instead.
fn distribution_point_name<'a>(fields: &mut Reader<'a>) -> Result<(Vec<GeneralName<'a>>, bool), Malformed> {
    let Some(mut explicit) = fields.optional_within(Tag::constructed(0))? else {
        return Ok((Vec::new(), false));
    };
    let name = match explicit.optional_within(Tag::constructed(0))? {
        Some(names) => (GeneralName::read_all(names)?, false),
        None => {
            explicit.expect(Tag::constructed(1))?;
            (Vec::new(), true)
        }
    };
    explicit.finish()?;
    Ok(name)
}

/// ReasonFlags OPTIONAL: whether they are there.
fn reasons(fields: &mut Reader<'_>, tag: Tag) -> Result<bool, Malformed> {
    match fields.optional(tag)? {
        Some(element) => fields.bits(element.value).map(|_| true),
        None => Ok(false),
    }
}
