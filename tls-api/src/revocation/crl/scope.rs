//! What a list covers: its issuingDistributionPoint (RFC 5280 §5.2.5, §6.3.3 (b)).

use polytls_x509::{Certificate, CertificateList, DistributionPoint, GeneralName, Name};

/// What a list covers of its issuer's certificates.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Scope {
    /// The names of its distribution point; with none, all that the rest allows.
    names: Vec<PointName>,
    user_certs: bool,
    ca_certs: bool,
    attribute_certs: bool,
    some_reasons: bool,
    numbered: bool,
}

/// A name of a distribution point.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum PointName {
    Uri(Vec<u8>),
    /// In DER.
    Directory(Vec<u8>),
    /// Of a kind by which nobody finds a list; only one list's is held against another's.
    Other(String),
}

impl Scope {
    pub(super) fn new(list: &CertificateList<'_>) -> Self {
        let numbered = list.crl_number.is_some();
        let Some(point) = &list.issuing_distribution_point else {
            return Self { numbered, ..Self::default() };
        };
        Self {
            names: point.full_name.iter().map(PointName::new).collect(),
            user_certs: point.only_contains_user_certs,
            ca_certs: point.only_contains_ca_certs,
            attribute_certs: point.only_contains_attribute_certs,
            some_reasons: point.only_some_reasons,
            numbered,
        }
    }

    /// Whether a certificate that the list does not name is known not to be revoked.
    ///
    /// # Errors
    /// Why it is not.
    pub(super) fn check_covers(&self, certificate: &Certificate<'_>) -> Result<(), &'static str> {
        let authority = certificate.extensions.basic_constraints.as_ref();
        let authority = authority.is_some_and(|constraints| constraints.value.ca);
        // RFC 5280 §6.3.3 (b) (2).
        if self.attribute_certs || (self.user_certs && authority) || (self.ca_certs && !authority) {
            return Err("one covers certificates of another kind alone");
        }
        if self.some_reasons {
            return Err("one covers some reasons of revocation alone");
        }
        if !self.covers_point_of(certificate) {
            return Err("one is of a distribution point that the certificate does not name");
        }
        // RFC 5280 §5.2.3: every list has one, by which it is told which of two is the newer.
        if !self.numbered {
            return Err("one has no cRLNumber");
        }
        Ok(())
    }

    /// RFC 5280 §6.3.3 (b) (2) (i): where the list names its distribution point, the certificate names it too; a
    /// certificate that names none is taken to name its issuer.
    fn covers_point_of(&self, certificate: &Certificate<'_>) -> bool {
        if self.names.is_empty() {
            return true;
        }
        let Some(points) = &certificate.extensions.crl_distribution_points else {
            return self.names.iter().any(|name| name.is_directory(&certificate.issuer));
        };
        points.value.iter().any(|point| self.meets(point, &certificate.issuer))
    }

    fn meets(&self, point: &DistributionPoint<'_>, issuer: &Name<'_>) -> bool {
        let of_issuer =
            |name: &GeneralName<'_>| matches!(name, GeneralName::Directory(name) if name.matches(issuer));
        // RFC 5280 §6.3.3 (b) (1): that point's lists are another's.
        if point.some_reasons || !(point.crl_issuer.is_empty() || point.crl_issuer.iter().any(of_issuer)) {
            return false;
        }
        let names = if point.full_name.is_empty() { &point.crl_issuer } else { &point.full_name };
        names.iter().any(|name| self.names.iter().any(|own| own.is(name)))
    }
}

impl PointName {
    fn new(name: &GeneralName<'_>) -> Self {
        match name {
            GeneralName::Uri(uri) => Self::Uri(uri.to_vec()),
            GeneralName::Directory(name) => Self::Directory(name.der().to_vec()),
            other => Self::Other(format!("{other:?}")),
        }
    }

    fn is(&self, name: &GeneralName<'_>) -> bool {
        match name {
            GeneralName::Uri(uri) => matches!(self, Self::Uri(own) if own == uri),
            GeneralName::Directory(name) => self.is_directory(name),
            _ => false,
        }
    }

    fn is_directory(&self, name: &Name<'_>) -> bool {
        matches!(self, Self::Directory(own) if Name::parse(own).is_ok_and(|own| own.matches(name)))
    }
}
