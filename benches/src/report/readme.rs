//! The summary in a file of somebody else's, between two markers.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{Report, failed, markdown};

const BEGIN: &str = "<!-- speed -->";
const END: &str = "<!-- /speed -->";

/// A file that has the markers.
#[derive(Debug)]
pub(crate) struct Readme {
    path: PathBuf,
    /// Where the report is, as a link in the file says it.
    link: String,
}

impl Readme {
    /// This one, if it has them; `directory` is there, and has the report and its plots: it must be below the file's own.
    pub(crate) fn open(path: &Path, directory: &Path) -> Result<Self, String> {
        let text = fs::read_to_string(path).map_err(|error| failed(path, &error))?;
        replaced(&text, "").map_err(|message| format!("{}: {message}", path.display()))?;
        Ok(Self { link: link(path, directory)?, path: path.to_owned() })
    }

    /// Puts the report's summary between them.
    pub(crate) fn write(&self, report: &Report) -> Result<(), String> {
        let text = fs::read_to_string(&self.path).map_err(|error| failed(&self.path, &error))?;
        let summary = markdown::summary(report, &self.link);
        fs::write(&self.path, replaced(&text, &summary)?).map_err(|error| failed(&self.path, &error))
    }
}

/// The directory as seen from the file.
fn link(file: &Path, directory: &Path) -> Result<String, String> {
    let real = |path: &Path| fs::canonicalize(path).map_err(|error| failed(path, &error));
    let (file, directory) = (real(file)?, real(directory)?);
    let own = file.parent().unwrap_or(Path::new("/"));
    let below = directory.strip_prefix(own).map_err(|_| {
        format!(
            "{}: the report must be below {}, or nothing there can link to it",
            directory.display(),
            own.display()
        )
    })?;
    let parts: Vec<_> = below.iter().map(|part| part.to_string_lossy()).collect();
    Ok(if parts.is_empty() { ".".into() } else { parts.join("/") })
}

/// The text with other content between its markers.
fn replaced(text: &str, content: &str) -> Result<String, String> {
    let missing = || format!("no `{BEGIN}` with `{END}` behind it");
    let (before, rest) = text.split_once(BEGIN).ok_or_else(missing)?;
    let (_, after) = rest.split_once(END).ok_or_else(missing)?;
    Ok(format!("{before}{BEGIN}\n{}\n{END}{after}", content.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_between_the_markers_is_replaced_and_nothing_else() {
        let text = "# Title\n<!-- speed -->\nold\n<!-- /speed -->\nthe rest\n";
        let once = replaced(text, "new | table\n").unwrap();
        assert_eq!(once, "# Title\n<!-- speed -->\nnew | table\n<!-- /speed -->\nthe rest\n");
        assert_eq!(replaced(&once, "new | table"), Ok(once.clone()));
    }

    #[test]
    fn a_report_is_linked_from_where_the_file_is_and_only_below_it() {
        let sources = Path::new(env!("CARGO_MANIFEST_DIR"));
        let file = sources.join("Cargo.toml");
        assert_eq!(link(&file, &sources.join("src/report")).as_deref(), Ok("src/report"));
        assert_eq!(link(&file, &sources.join("src/../src")).as_deref(), Ok("src"));
        assert_eq!(link(&file, sources).as_deref(), Ok("."));
        let error = link(&file, Path::new("/")).unwrap_err();
        assert!(error.contains("must be below"), "{error}");
    }

    #[test]
    fn a_file_without_both_markers_in_their_order_is_left_alone() {
        for text in ["", "<!-- speed -->", "<!-- /speed -->\n<!-- speed -->"] {
            assert!(replaced(text, "new").is_err(), "{text}");
        }
    }
}
