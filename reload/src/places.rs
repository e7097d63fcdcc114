//! Where a change of a file shows: in the directory that it is in, and in that of every link on the way to it.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    fs,
    path::{Component, Path, PathBuf, absolute},
};

/// As many links are followed as Linux follows on one path.
const MOST_LINKS: usize = 40;

/// How many directories are watched for one value: a directory of links may lead into many.
const MOST_DIRECTORIES: usize = 64;

/// What content comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    File(PathBuf),
    /// Every file in it.
    Directory(PathBuf),
}

impl Place {
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::File(path) | Self::Directory(path) => path,
        }
    }
}

/// The directories in which changes of these places show, as they are now.
pub(crate) fn directories(places: &[Place]) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for place in places {
        let Some(target) = follow(place.path(), &mut found) else { continue };
        match place {
            Place::File(_) => found.extend(target.parent().map(Path::to_path_buf)),
            Place::Directory(_) => {
                for entry in fs::read_dir(&target).into_iter().flatten().flatten() {
                    if found.len() < MOST_DIRECTORIES && entry.file_type().is_ok_and(|kind| kind.is_symlink())
                    {
                        let linked = follow(&entry.path(), &mut found);
                        found.extend(linked.and_then(|file| file.parent().map(Path::to_path_buf)));
                    }
                }
                found.insert(target);
            }
        }
    }
    found
}

/// Follows every link on the path, in its directories too; the directories of the links are added to `found`.
fn follow(path: &Path, found: &mut BTreeSet<PathBuf>) -> Option<PathBuf> {
    let mut resolved = PathBuf::new();
    let mut links = 0;
    // What is still to be walked, the next component last.
    let mut rest = components(&absolute(path).ok()?);
    while let Some(component) = rest.pop() {
        match Path::new(&component).components().next() {
            Some(Component::ParentDir) => {
                resolved.pop();
            }
            Some(Component::Normal(name)) => {
                let candidate = resolved.join(name);
                match fs::read_link(&candidate) {
                    Ok(target) if links < MOST_LINKS => {
                        links += 1;
                        found.insert(resolved.clone());
                        rest.extend(components(&target));
                    }
                    _ => resolved = candidate,
                }
            }
            // A root, or a prefix of Windows's: it begins anew.
            Some(_) => resolved.push(&component),
            None => {}
        }
    }
    Some(resolved)
}

/// The components of a path, the first last.
fn components(path: &Path) -> Vec<OsString> {
    path.components()
        .filter(|component| *component != Component::CurDir)
        .map(|component| component.as_os_str().to_owned())
        .rev()
        .collect()
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// The names of the directories, relative to `base`.
    fn names(base: &Path, place: Place) -> Vec<String> {
        let within = directories(&[place]).into_iter();
        within.map(|found| found.strip_prefix(base).unwrap().display().to_string()).collect()
    }

    #[test]
    fn the_directory_of_every_link_on_the_way_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let base = fs::canonicalize(folder.path()).unwrap();
        for directory in ["secret/..one", "live", "archive", "roots"] {
            fs::create_dir_all(base.join(directory)).unwrap();
        }
        fs::write(base.join("secret/..one/tls.crt"), "").unwrap();
        fs::write(base.join("archive/chain1.pem"), "").unwrap();
        // Kubernetes: the file is a link through a link to a directory.
        symlink("..one", base.join("secret/..data")).unwrap();
        symlink("..data/tls.crt", base.join("secret/tls.crt")).unwrap();
        assert_eq!(names(&base, Place::File(base.join("secret/tls.crt"))), ["secret", "secret/..one"]);
        // certbot.
        symlink("../archive/chain1.pem", base.join("live/chain.pem")).unwrap();
        assert_eq!(names(&base, Place::File(base.join("live/chain.pem"))), ["archive", "live"]);
        // A directory on the way is a link, to an absolute path.
        symlink(base.join("secret"), base.join("current")).unwrap();
        let through = Place::File(base.join("current/tls.crt"));
        assert_eq!(names(&base, through), ["", "secret", "secret/..one"]);
        // A directory of links.
        symlink("../live/chain.pem", base.join("roots/1a2b3c4d.0")).unwrap();
        assert_eq!(names(&base, Place::Directory(base.join("roots"))), ["archive", "live", "roots"]);
    }

    #[test]
    fn what_is_not_there_yet_or_goes_round_in_circles_is_watched_where_it_would_be() {
        let folder = tempfile::tempdir().unwrap();
        let base = fs::canonicalize(folder.path()).unwrap();
        assert_eq!(names(&base, Place::File(base.join("missing.pem"))), [""]);
        symlink("b", base.join("a")).unwrap();
        symlink("a", base.join("b")).unwrap();
        assert_eq!(names(&base, Place::File(base.join("a"))), [""]);
    }
}
