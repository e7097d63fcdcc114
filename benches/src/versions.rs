//! Which versions of the libraries are compiled in.

/// The lock file of the workspace.
const LOCK: &str = include_str!("../../Cargo.lock");

/// The version of this package in the workspace's lock file, the highest where there are several; `?` for none.
pub fn locked(package: &str) -> &'static str {
    version_in(LOCK, package).unwrap_or("?")
}

/// The version of this package in a `Cargo.lock`, the highest where there are several.
pub fn version_in<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines();
    let mut found = None;
    // Cargo writes them in the order of their versions.
    while lines.any(|line| line == name) {
        let version = lines.next().and_then(|line| line.strip_prefix("version = \"")?.strip_suffix('"'));
        found = version.or(found);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_version_of_exactly_this_package_is_told() {
        let lock = "[[package]]\nname = \"rustls\"\nversion = \"0.22.1\"\n\n[[package]]\nname = \"rustls\"\n\
            version = \"0.23.4\"\n\n[[package]]\nname = \"rustls-webpki\"\nversion = \"0.103.8\"\n";
        assert_eq!(version_in(lock, "rustls"), Some("0.23.4"));
        assert_eq!(version_in(lock, "rustls-webpki"), Some("0.103.8"));
        assert_eq!(version_in(lock, "openssl"), None);
    }

    #[test]
    fn what_is_measured_has_a_version() {
        for package in ["rustls", "tokio-rustls", "aws-lc-rs", "tokio-openssl", "tokio-native-tls"] {
            assert_ne!(locked(package), "?", "{package}");
        }
    }
}
