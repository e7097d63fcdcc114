//! SMTP: STARTTLS (RFC 3207), offered in the answer to EHLO (RFC 5321 §4.1.1.1).

use tokio::io::{AsyncRead, AsyncWrite};

use super::lines::{Lines, quoted};
use crate::failure::Failure;

/// Greeting, EHLO, STARTTLS. `own` is the client's name for itself.
pub(super) async fn ask<IO>(io: &mut IO, own: &str) -> Result<(), Failure>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let mut lines = Lines::new(io);
    Reply::read(&mut lines).await?.expect("220", "does not greet as a mail server")?;
    lines.send(&format!("EHLO {own}")).await?;
    let offer = Reply::read(&mut lines).await?;
    offer.expect("250", "refuses EHLO")?;
    if !offer.names_extension("STARTTLS") {
        return Err(Failure::connection(format!(
            "the server does not offer STARTTLS; it offers {}. Port 465 of mail servers speaks TLS from the start",
            offer.extensions()
        )));
    }
    lines.send("STARTTLS").await?;
    Reply::read(&mut lines).await?.expect("220", "offers STARTTLS and then refuses it")?;
    lines.finish()
}

/// RFC 5321 §4.2.1: lines with one code, of which all but the last have a hyphen behind it.
struct Reply {
    code: String,
    texts: Vec<String>,
}

impl Reply {
    async fn read<IO>(lines: &mut Lines<'_, IO>) -> Result<Self, Failure>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let mut reply = Self { code: String::new(), texts: Vec::new() };
        loop {
            let line = lines.read().await?;
            let code = line.get(..3).filter(|code| code.bytes().all(|byte| byte.is_ascii_digit()));
            let Some(code) = code.filter(|code| reply.texts.is_empty() || *code == reply.code) else {
                let said = quoted(&line);
                return Err(Failure::connection(format!("the server does not speak SMTP: it says {said}")));
            };
            reply.code = code.to_owned();
            reply.texts.push(line.get(4..).unwrap_or_default().to_owned());
            match line.as_bytes().get(3) {
                Some(b'-') => {}
                Some(b' ') | None => return Ok(reply),
                Some(_) => {
                    let said = quoted(&line);
                    return Err(Failure::connection(format!(
                        "the server does not speak SMTP: it says {said}"
                    )));
                }
            }
        }
    }

    fn expect(&self, code: &str, otherwise: &str) -> Result<(), Failure> {
        if self.code == code {
            return Ok(());
        }
        let said = quoted(&format!("{} {}", self.code, self.texts.join(" ")));
        Err(Failure::connection(format!("the server {otherwise}: {said}")))
    }

    /// The keywords after the first line, which greets.
    fn keywords(&self) -> impl Iterator<Item = &str> {
        self.texts.iter().skip(1).filter_map(|text| text.split_ascii_whitespace().next())
    }

    fn names_extension(&self, name: &str) -> bool {
        self.keywords().any(|keyword| keyword.eq_ignore_ascii_case(name))
    }

    fn extensions(&self) -> String {
        let keywords: Vec<_> = self.keywords().collect();
        if keywords.is_empty() { "no extension".into() } else { quoted(&keywords.join(" ")) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::conversation;

    const CLIENT: &str = "EHLO [127.0.0.1]\r\nSTARTTLS\r\n";

    async fn ask(server: &str) -> (Result<(), String>, Vec<u8>) {
        conversation(server, async |io| super::ask(io, "[127.0.0.1]").await).await
    }

    #[tokio::test]
    async fn a_server_that_offers_it_is_asked() {
        let server = "220-mail\r\n220 here\r\n250-mail\r\n250-SIZE 1\r\n250 starttls\r\n220 go\r\n";
        assert_eq!(ask(server).await, (Ok(()), CLIENT.into()));
    }

    #[tokio::test]
    async fn what_follows_the_consent_is_refused() {
        let server = "220 here\r\n250-mail\r\n250 STARTTLS\r\n220 go\r\n250 injected\r\n";
        assert!(ask(server).await.0.unwrap_err().contains("more plaintext"));
    }

    #[tokio::test]
    async fn each_wrong_answer_has_its_words() {
        for (server, words) in [
            (
                "220 here\r\n250-mail\r\n250-SIZE 1\r\n250 PIPELINING\r\n",
                "does not offer STARTTLS; it offers `SIZE",
            ),
            ("220 here\r\n250 mail\r\n", "it offers no extension"),
            ("220 here\r\n250-mail\r\n250 STARTTLS\r\n454 later\r\n", "then refuses it: `454 later`"),
            ("554 go away\r\n", "does not greet as a mail server: `554 go away`"),
            ("220 here\r\n502 what\r\n", "refuses EHLO: `502 what`"),
            ("SSH-2.0-OpenSSH\r\n", "does not speak SMTP: it says `SSH-2.0-OpenSSH`"),
            ("220-here\r\n250 there\r\n", "does not speak SMTP"),
            ("220here\r\n", "does not speak SMTP"),
            ("é20 here\r\n", "does not speak SMTP"),
            ("220 here\r\n", "closed the connection before TLS"),
        ] {
            let error = ask(server).await.0.unwrap_err();
            assert!(error.contains(words), "`{words}` is not in: {error}");
        }
    }
}
