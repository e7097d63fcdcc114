//! Files that the user names, read up to a limit: a device never ends.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use zeroize::Zeroizing;

/// The most that is read of any file, 16 MiB: as much as the library's loaders take.
const MAX_FILE: u64 = 16 << 20;

/// Room for a password from a pipe, which does not say its length: 64 KiB.
const LEAST_ROOM: u64 = 64 << 10;

/// The whole file, zeroized in the end: it may be a password.
pub(crate) fn read(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let file = File::open(path)?;
    // A byte more than all of it: a buffer that grows leaves copies of a password behind.
    let room = file.metadata()?.len().clamp(LEAST_ROOM, MAX_FILE) + 1;
    let mut content = Zeroizing::new(Vec::with_capacity(usize::try_from(room).unwrap_or_default()));
    file.take(MAX_FILE + 1).read_to_end(&mut content)?;
    if content.len() as u64 > MAX_FILE {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than 16 MiB"));
    }
    Ok(content)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::{io::Write, os::fd::AsRawFd};

    use super::*;

    #[test]
    fn a_password_from_a_pipe_is_read_without_growing() {
        let (reader, mut writer) = io::pipe().unwrap();
        writer.write_all(&[b'x'; 5000]).unwrap();
        drop(writer);
        let content = read(Path::new(&format!("/proc/self/fd/{}", reader.as_raw_fd()))).unwrap();
        assert_eq!((content.len(), content.capacity()), (5000, (64 << 10) + 1));
    }
}
