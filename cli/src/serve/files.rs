//! Files of one folder, and of nothing outside it.

use std::{
    io,
    path::{Path, PathBuf},
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Body, Frame, SizeHint},
    header,
};
use tokio::{
    fs::File,
    io::{AsyncRead, ReadBuf},
};

use crate::failure::Failure;

/// How much of a file is read at once.
const CHUNK: usize = 64 * 1024;

const CONTENT_TYPES: &[(&str, &str)] = &[
    ("html", "text/html; charset=utf-8"),
    ("css", "text/css; charset=utf-8"),
    ("js", "text/javascript; charset=utf-8"),
    ("json", "application/json"),
    ("md", "text/markdown; charset=utf-8"),
    ("txt", "text/plain; charset=utf-8"),
    ("svg", "image/svg+xml"),
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("wasm", "application/wasm"),
];

/// The folder that is served.
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let unusable = |reason: &str| Failure::usage(format!("cannot serve {}: {reason}", path.display()));
        let root = path.canonicalize().map_err(|error| unusable(&error.to_string()))?;
        if root.is_dir() { Ok(Self(root)) } else { Err(unusable("not a folder")) }
    }

    /// The file that the request names.
    pub(super) async fn answer<B>(&self, request: &Request<B>) -> Response<FileBody> {
        if request.method() != Method::GET && request.method() != Method::HEAD {
            let mut response = status(StatusCode::METHOD_NOT_ALLOWED);
            response.headers_mut().insert(header::ALLOW, header::HeaderValue::from_static("GET, HEAD"));
            return response;
        }
        let Some(path) = self.resolve(request.uri().path()).await else {
            return status(StatusCode::NOT_FOUND);
        };
        let Ok(file) = File::open(&path).await else { return status(StatusCode::NOT_FOUND) };
        let Ok(metadata) = file.metadata().await else { return status(StatusCode::NOT_FOUND) };
        let length = metadata.len();
        let wanted = request.method() == Method::GET;
        let body = FileBody {
            file: wanted.then_some(file),
            left: if wanted { length } else { 0 },
            buffer: Vec::new(),
        };
        let mut response = Response::new(body);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_LENGTH, length.into());
        headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static(content_type(&path)));
        response
    }

    /// The file's real path, if it lies in the folder whatever links there are.
    async fn resolve(&self, uri_path: &str) -> Option<PathBuf> {
        let relative = percent_decoded(uri_path)?;
        let mut path = self.0.clone();
        for part in relative.split('/').filter(|part| !part.is_empty() && *part != ".") {
            if part == ".." || part.contains(['\\', '\0']) {
                return None;
            }
            path.push(part);
        }
        let mut path = tokio::fs::canonicalize(path).await.ok()?;
        if path.is_dir() {
            path = tokio::fs::canonicalize(path.join("index.html")).await.ok()?;
        }
        (path.starts_with(&self.0) && path.is_file()).then_some(path)
    }
}

fn status(status: StatusCode) -> Response<FileBody> {
    let mut response = Response::new(FileBody { file: None, left: 0, buffer: Vec::new() });
    *response.status_mut() = status;
    response
}

fn content_type(path: &Path) -> &'static str {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let known = CONTENT_TYPES.iter().find(|(known, _)| known.eq_ignore_ascii_case(extension));
    known.map_or("application/octet-stream", |(_, content_type)| content_type)
}

/// RFC 3986 §2.1; `None` for what does not decode to UTF-8.
fn percent_decoded(text: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                (digit(bytes.next())? * 16 + digit(bytes.next())?) as u8
            }
            byte => byte,
        });
    }
    String::from_utf8(decoded).ok()
}

/// A file as a response's body, a chunk at a time.
pub(super) struct FileBody {
    file: Option<File>,
    left: u64,
    buffer: Vec<u8>,
}

impl Body for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = &mut *self;
        let Some(file) = this.file.as_mut().filter(|_| this.left > 0) else { return Poll::Ready(None) };
        let size = usize::try_from(this.left).unwrap_or(usize::MAX).min(CHUNK);
        this.buffer.resize(size, 0);
        let mut buffer = ReadBuf::new(&mut this.buffer);
        ready!(Pin::new(file).poll_read(cx, &mut buffer))?;
        let chunk = Bytes::copy_from_slice(buffer.filled());
        if chunk.is_empty() {
            // The length is promised: a file that shrank meanwhile breaks the connection.
            return Poll::Ready(Some(Err(io::ErrorKind::UnexpectedEof.into())));
        }
        this.left -= chunk.len() as u64;
        Poll::Ready(Some(Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nothing_outside_the_folder_is_found() {
        let parent = tempfile::tempdir().unwrap();
        let root = parent.path().join("public");
        std::fs::create_dir(&root).unwrap();
        std::fs::write(root.join("a b.txt"), "inside").unwrap();
        std::fs::write(parent.path().join("secret"), "outside").unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(parent.path().join("secret"), root.join("link")).unwrap();
        let folder = Folder::open(&root).unwrap();
        assert!(folder.resolve("/a%20b.txt").await.is_some());
        for path in
            ["/../secret", "/%2e%2e/secret", "/link", "/..%2fsecret", "/a%00", "/%ff", "/%2", "/", "//secret"]
        {
            assert!(folder.resolve(path).await.is_none(), "{path}");
        }
    }

    #[test]
    fn a_file_is_no_folder() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(Folder::open(file.path()).is_err_and(|failure| failure.message.contains("not a folder")));
    }
}
