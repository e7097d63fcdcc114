//! PostgreSQL: SSLRequest, the message that comes before all others (PostgreSQL's documentation, "SSL Session
//! Encryption" and "Message Formats").

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::{broken, injected};
use crate::failure::Failure;

/// The length of the message, and the code that stands where a version would.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// SSLRequest, and one byte in answer.
pub(super) async fn ask<IO>(io: &mut IO) -> Result<(), Failure>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    io.write_all(&SSL_REQUEST).await.map_err(|error| broken(&error))?;
    io.flush().await.map_err(|error| broken(&error))?;
    // Room for more than the answer, so that what came with it is seen.
    let mut answer = [0; 64];
    let count = io.read(&mut answer).await.map_err(|error| broken(&error))?;
    match answer.get(..count).unwrap_or_default() {
        [] => Err(broken(&std::io::ErrorKind::UnexpectedEof.into())),
        b"S" => Ok(()),
        [b'S', ..] => Err(injected()),
        [b'N', ..] => {
            Err(Failure::connection("the server does not offer TLS; turn `ssl` on in its postgresql.conf"))
        }
        // Its words are not shown: they are not authenticated, and before TLS they are anybody's (CVE-2024-10977).
        [b'E', ..] => Err(Failure::connection(
            "the server answers with an error; it may be older than SSLRequest, or take no more connections",
        )),
        [other, ..] => Err(Failure::connection(format!(
            "the server does not speak PostgreSQL's protocol: it answers with byte 0x{other:02x}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tests::conversation, SSL_REQUEST};

    async fn ask(server: &str) -> (Result<(), String>, Vec<u8>) {
        conversation(server, async |io| super::ask(io).await).await
    }

    #[tokio::test]
    async fn the_request_is_eight_bytes_and_the_consent_is_one() {
        assert_eq!(ask("S").await, (Ok(()), SSL_REQUEST.into()));
    }

    #[tokio::test]
    async fn each_wrong_answer_has_its_words() {
        for (server, words) in [
            ("SE\0\0\0\x05x", "more plaintext"),
            ("N", "does not offer TLS"),
            ("Ewhatever", "answers with an error"),
            ("HTTP/1.1 400", "answers with byte 0x48"),
            ("", "closed the connection before TLS"),
        ] {
            let error = ask(server).await.0.unwrap_err();
            assert!(error.contains(words), "`{words}` is not in: {error}");
            assert!(!error.contains("whatever"), "{error}");
        }
    }
}
