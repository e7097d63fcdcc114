//! Revocation lists (RFC 5280 §5, §6.3): with any given and no policy, every certificate below the root must be covered by
//! one; and what else a policy says of them.

use polytls_api::{
    CertificateError, CertificateRevocationListDer, ClientAuthentication, ConfigError, ConfigOption,
    Identity, RevocationMode, RevocationPolicy, TlsConnector,
};

use crate::{
    Pair,
    behaviour::{At, Stop, ensure, failed},
    certificates::{ensure_fault, ensure_told, refuses_server},
    pair::Side,
    pki::{Authority, Leaf, Validity},
    scene::{Ends, Scene, exchange},
    verifiers::{ask, ensure_verdict},
};

type Crl = CertificateRevocationListDer<'static>;

/// The serial numbers of the end entity and of the intermediate.
const LEAF: u64 = 0x1001;
const INTERMEDIATE: u64 = 0x2002;
const ANOTHER: u64 = 0x3003;

/// A chain over an intermediate, and the lists that it is held against.
struct Case {
    root: Authority,
    intermediate: Authority,
}

impl Case {
    fn new() -> Self {
        let root = Authority::root();
        let intermediate = root.intermediate_numbered(INTERMEDIATE);
        Self { root, intermediate }
    }

    fn issue(&self, leaf: Leaf) -> Identity {
        self.intermediate.issue(leaf.numbered(LEAF))
    }

    /// A list of each authority, with these on them.
    fn lists(&self, of_root: &[u64], of_intermediate: &[u64]) -> Vec<Crl> {
        vec![self.root.crl(Validity::Now, of_root), self.intermediate.crl(Validity::Now, of_intermediate)]
    }
}

/// What becomes of a chain under lists: `None` where it is accepted.
type Verdict = Option<CertificateError>;

/// A kind of lists and the verdict under them.
type Rule = fn(&Case) -> (Vec<Crl>, Verdict);

fn unknown() -> Verdict {
    Some(CertificateError::RevocationUnknown { detail: String::new() })
}

fn nobody_revoked(case: &Case) -> (Vec<Crl>, Verdict) {
    (case.lists(&[ANOTHER], &[ANOTHER]), None)
}

fn leaf_revoked(case: &Case) -> (Vec<Crl>, Verdict) {
    (case.lists(&[], &[ANOTHER, LEAF]), Some(CertificateError::REVOKED))
}

fn intermediate_revoked(case: &Case) -> (Vec<Crl>, Verdict) {
    (case.lists(&[INTERMEDIATE], &[]), Some(CertificateError::REVOKED))
}

fn no_list_of_the_leafs_issuer(case: &Case) -> (Vec<Crl>, Verdict) {
    (vec![case.root.crl(Validity::Now, &[])], unknown())
}

fn no_list_of_the_intermediates_issuer(case: &Case) -> (Vec<Crl>, Verdict) {
    (vec![case.intermediate.crl(Validity::Now, &[])], unknown())
}

fn outdated(case: &Case) -> (Vec<Crl>, Verdict) {
    let lists = vec![case.root.crl(Validity::Now, &[]), case.intermediate.crl(Validity::Past, &[])];
    (lists, unknown())
}

fn signed_by_another(case: &Case) -> (Vec<Crl>, Verdict) {
    let forged = case.intermediate.impostor().crl(Validity::Now, &[]);
    (vec![case.root.crl(Validity::Now, &[]), forged], unknown())
}

/// In each version, what a client makes of a server's chain under these lists.
async fn of_a_server(pair: &Pair, rule: Rule) -> Result<(), Stop> {
    for scene in Scene::in_each_version(pair)? {
        let case = Case::new();
        let (lists, verdict) = rule(&case);
        let identity = case.issue(Leaf::server());
        let scene = Scene { root: case.root, ..scene }.presenting(identity);
        let connector = scene.connector(&[ConfigOption::Revocation], |client| client.crls(lists))?;
        let ends = Ends::new(connector, scene.acceptor(&[], |server| server)?);
        match verdict {
            None => {
                let (mut client, mut server) = ends.connect().await?;
                exchange(&mut client, &mut server).await?;
            }
            Some(fault) => refuses_server(pair, &ends, &fault).map(drop)?,
        }
    }
    Ok(())
}

/// In each version, what a server makes of a client's chain under these lists.
async fn of_a_client(pair: &Pair, rule: Rule) -> Result<(), Stop> {
    let mode = ClientAuthentication::Required;
    for scene in Scene::in_each_version(pair)? {
        let case = Case::new();
        let (lists, verdict) = rule(&case);
        let needs = [ConfigOption::ClientAuthentication(mode), ConfigOption::Revocation];
        let acceptor = scene.acceptor(&needs, |server| {
            server.client_authentication(mode).client_roots(case.root.roots()).client_crls(lists)
        })?;
        let identity = case.issue(Leaf::client());
        let connector =
            scene.connector(&[ConfigOption::ClientIdentity], |client| client.identity(identity))?;
        let ends = Ends::new(connector, acceptor);
        let Some(fault) = verdict else {
            let (mut client, mut server) = ends.connect().await?;
            exchange(&mut client, &mut server).await?;
            continue;
        };
        let failures = ends.failure()?;
        ensure_fault(pair, Side::Server, &failures.server, &fault)?;
        ensure_told(pair, Side::Server, failures.client.alert_received(), fault.alert())?;
    }
    Ok(())
}

pub(crate) async fn a_server_that_no_list_revokes_is_accepted(pair: Pair) -> Result<(), Stop> {
    of_a_server(&pair, nobody_revoked).await
}

pub(crate) async fn a_revoked_server_is_refused(pair: Pair) -> Result<(), Stop> {
    of_a_server(&pair, leaf_revoked).await
}

pub(crate) async fn a_server_below_a_revoked_intermediate_is_refused(pair: Pair) -> Result<(), Stop> {
    of_a_server(&pair, intermediate_revoked).await
}

pub(crate) async fn a_server_whose_issuer_has_no_list_is_refused(pair: Pair) -> Result<(), Stop> {
    of_a_server(&pair, no_list_of_the_leafs_issuer).await
}

pub(crate) async fn a_server_whose_intermediates_issuer_has_no_list_is_refused(
    pair: Pair,
) -> Result<(), Stop> {
    of_a_server(&pair, no_list_of_the_intermediates_issuer).await
}

pub(crate) async fn an_outdated_list_says_nothing(pair: Pair) -> Result<(), Stop> {
    of_a_server(&pair, outdated).await
}

pub(crate) async fn a_list_signed_by_another_says_nothing(pair: Pair) -> Result<(), Stop> {
    of_a_server(&pair, signed_by_another).await
}

pub(crate) async fn a_client_that_no_list_revokes_is_accepted(pair: Pair) -> Result<(), Stop> {
    of_a_client(&pair, nobody_revoked).await
}

pub(crate) async fn a_revoked_client_is_refused(pair: Pair) -> Result<(), Stop> {
    of_a_client(&pair, leaf_revoked).await
}

pub(crate) async fn a_client_below_a_revoked_intermediate_is_refused(pair: Pair) -> Result<(), Stop> {
    of_a_client(&pair, intermediate_revoked).await
}

pub(crate) async fn a_client_whose_issuer_has_no_list_is_refused(pair: Pair) -> Result<(), Stop> {
    of_a_client(&pair, no_list_of_the_leafs_issuer).await
}

pub(crate) async fn an_outdated_list_of_clients_says_nothing(pair: Pair) -> Result<(), Stop> {
    of_a_client(&pair, outdated).await
}

pub(crate) async fn a_list_of_clients_signed_by_another_says_nothing(pair: Pair) -> Result<(), Stop> {
    of_a_client(&pair, signed_by_another).await
}

pub(crate) async fn a_verifier_on_its_own_goes_by_its_lists(pair: Pair) -> Result<(), Stop> {
    let rules: [(&str, Rule); 6] = [
        ("nobody revoked", nobody_revoked),
        ("leaf revoked", leaf_revoked),
        ("intermediate revoked", intermediate_revoked),
        ("no list", no_list_of_the_leafs_issuer),
        ("outdated", outdated),
        ("signed by another", signed_by_another),
    ];
    for (place, rule) in rules {
        let case = Case::new();
        let (lists, verdict) = rule(&case);
        let trust = polytls_api::TrustPolicy::new(case.root.roots()).with_crls(lists);
        // A verifier on its own asks about revocation even where its backend's handshakes cannot.
        let needs = [ConfigOption::VerifierAlone];
        let verifier =
            pair.expect_supported_or_refused(Side::Client, &needs, pair.client.verifier(&trust))?;
        let name = crate::pki::SERVER_NAME.parse()?;
        let now = std::time::SystemTime::now();
        let found = ask(&*verifier, &case.issue(Leaf::server()), Some(&name), now).await;
        ensure_verdict(found, verdict.as_ref()).at(place)?;
    }
    Ok(())
}

pub(crate) async fn the_modes_differ_in_what_silence_means(pair: Pair) -> Result<(), Stop> {
    let policies = [RevocationPolicy::off(), RevocationPolicy::soft_fail(), RevocationPolicy::hard_fail()];
    for policy in policies {
        for (rule, at_soft) in [
            (nobody_revoked as Rule, None),
            (no_list_of_the_leafs_issuer, None),
            (outdated, None),
            (signed_by_another, None),
            (leaf_revoked, Some(CertificateError::REVOKED)),
            (intermediate_revoked, Some(CertificateError::REVOKED)),
        ] {
            let case = Case::new();
            let (lists, at_hard) = rule(&case);
            let verdict = match policy.mode {
                RevocationMode::Off => None,
                RevocationMode::SoftFail => at_soft,
                RevocationMode::HardFail => at_hard,
            };
            let policy = policy.clone().with_crls(lists);
            under(&pair, case, policy, verdict).await?;
        }
    }
    Ok(())
}

pub(crate) async fn lists_are_read_from_a_directory(pair: Pair) -> Result<(), Stop> {
    let directory = tempfile::tempdir()?;
    let case = Case::new();
    for (place, list) in case.lists(&[], &[LEAF]).iter().enumerate() {
        std::fs::write(directory.path().join(format!("{place}.crl")), list)?;
    }
    let policy = RevocationPolicy::hard_fail().with_crls_from_directory(directory.path())?;
    under(&pair, case, policy, Some(CertificateError::REVOKED)).await
}

/// In each version, what a client makes of the case's server under this policy.
async fn under(pair: &Pair, case: Case, policy: RevocationPolicy, verdict: Verdict) -> Result<(), Stop> {
    let needs = if policy.mode == RevocationMode::Off { vec![] } else { vec![ConfigOption::Revocation] };
    let identity = case.issue(Leaf::server());
    for scene in Scene::in_each_version(pair)? {
        let scene = scene.presenting(identity.clone());
        let roots = case.root.roots();
        let connector = scene.connector(&needs, |client| client.roots(roots).revocation(policy.clone()))?;
        let ends = Ends::new(connector, scene.acceptor(&[], |server| server)?);
        match &verdict {
            None => {
                let (mut client, mut server) = ends.connect().await?;
                exchange(&mut client, &mut server).await?;
            }
            Some(fault) => refuses_server(pair, &ends, fault).map(drop)?,
        }
    }
    Ok(())
}

pub(crate) async fn what_is_no_list_is_an_error_of_configuration(pair: Pair) -> Result<(), Stop> {
    let scene = Scene::new(&pair)?;
    let built = polytls_api::ClientConfig::builder(pair.client.clone())
        .protocol_versions(scene.versions.clone())
        .roots(scene.root.roots())
        .crls([Crl::from(vec![0x30, 0])])
        .build()
        .and_then(|config| TlsConnector::new(&config));
    match built {
        Err(ConfigError::Certificates { .. }) => {
            ensure(pair.declares(Side::Client, &ConfigOption::Revocation), || {
                "it declares that it lacks them".into()
            })
        }
        built => {
            let needs = [ConfigOption::ExplicitRoots, ConfigOption::Revocation];
            match pair.expect_supported_or_refused(Side::Client, &needs, built) {
                Ok(_) => failed("what is no revocation list is taken for one"),
                Err(stop) => Err(stop),
            }
        }
    }
}
