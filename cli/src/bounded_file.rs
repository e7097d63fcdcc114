//! Files that the user names, read up to a limit: a device never ends.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use zeroize::Zeroizing;

/// The most that is read of any file, 16 MiB: as much as the library's loaders take.
const MAX_FILE: u64 = 16 << 20;

/// The whole file, zeroized in the end: it may be a password.
pub(crate) fn read(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let file = File::open(path)?;
    // Room for all of it and a byte more, so that reading on does not leave copies behind.
    let length = usize::try_from(file.metadata()?.len().min(MAX_FILE)).unwrap_or_default() + 1;
    let mut content = Zeroizing::new(Vec::with_capacity(length));
    file.take(MAX_FILE + 1).read_to_end(&mut content)?;
    if content.len() as u64 > MAX_FILE {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than 16 MiB"));
    }
    Ok(content)
}
