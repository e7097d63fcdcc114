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
}

impl Readme {
    /// This one, if it has them.
    pub(crate) fn open(path: &Path) -> Result<Self, String> {
        let text = fs::read_to_string(path).map_err(|error| failed(path, &error))?;
        replaced(&text, "").map_err(|message| format!("{}: {message}", path.display()))?;
        Ok(Self { path: path.to_owned() })
    }

    /// Puts the report's summary between them; `directory` has the report and its plots.
    pub(crate) fn write(&self, report: &Report, directory: &Path) -> Result<(), String> {
        let text = fs::read_to_string(&self.path).map_err(|error| failed(&self.path, &error))?;
        let summary = markdown::summary(report, &directory.to_string_lossy());
        fs::write(&self.path, replaced(&text, &summary)?).map_err(|error| failed(&self.path, &error))
    }
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
    fn a_file_without_both_markers_in_their_order_is_left_alone() {
        for text in ["", "<!-- speed -->", "<!-- /speed -->\n<!-- speed -->"] {
            assert!(replaced(text, "new").is_err(), "{text}");
        }
    }
}
