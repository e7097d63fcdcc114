//! IMAP: STARTTLS (RFC 9051 §6.2.1), offered as a capability (§6.1.1).

use tokio::io::{AsyncRead, AsyncWrite};

use super::lines::{Lines, quoted};
use crate::failure::Failure;

/// Greeting, CAPABILITY, STARTTLS.
pub(super) async fn ask<IO>(io: &mut IO) -> Result<(), Failure>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let mut lines = Lines::new(io);
    greeting(&lines.read().await?)?;
    lines.send("a1 CAPABILITY").await?;
    let mut capabilities = Vec::new();
    answer(&mut lines, "a1", "refuses CAPABILITY", |untagged| {
        if let Some(list) = strip_word(untagged, "CAPABILITY") {
            capabilities.extend(list.split_ascii_whitespace().map(str::to_owned));
        }
    })
    .await?;
    if !capabilities.iter().any(|capability| capability.eq_ignore_ascii_case("STARTTLS")) {
        let said = quoted(&capabilities.join(" "));
        return Err(Failure::connection(format!(
            "the server does not offer STARTTLS; its capabilities are {said}. Port 993 speaks TLS from the start"
        )));
    }
    lines.send("a2 STARTTLS").await?;
    answer(&mut lines, "a2", "offers STARTTLS and then refuses it", |_| {}).await?;
    lines.finish()
}

/// RFC 9051 §7.1: OK, PREAUTH or BYE.
fn greeting(line: &str) -> Result<(), Failure> {
    let untagged = line.strip_prefix("* ").unwrap_or_default();
    if strip_word(untagged, "OK").is_some() {
        return Ok(());
    }
    let said = quoted(line);
    let reason = if strip_word(untagged, "PREAUTH").is_some() {
        // RFC 9051 §7.1.4: STARTTLS comes before authentication only, and whoever forges this keeps TLS from it.
        format!("the server claims that the connection is authenticated, so that TLS cannot begin: {said}")
    } else if strip_word(untagged, "BYE").is_some() {
        format!("the server takes no connection: {said}")
    } else {
        format!("the server does not speak IMAP: it says {said}")
    };
    Err(Failure::connection(reason))
}

/// Reads up to the line with this tag, which must say OK. Shows every untagged line before it.
async fn answer<IO>(
    lines: &mut Lines<'_, IO>,
    tag: &str,
    otherwise: &str,
    mut show: impl FnMut(&str),
) -> Result<(), Failure>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    loop {
        let line = lines.read().await?;
        if let Some(untagged) = line.strip_prefix("* ") {
            show(untagged);
        } else if let Some(status) = line.strip_prefix(tag).and_then(|rest| rest.strip_prefix(' ')) {
            let accepted = strip_word(status, "OK").is_some();
            let refused = || Failure::connection(format!("the server {otherwise}: {}", quoted(status)));
            return if accepted { Ok(()) } else { Err(refused()) };
        } else {
            let said = quoted(&line);
            return Err(Failure::connection(format!("the server does not speak IMAP: it says {said}")));
        }
    }
}

/// What follows this word, if the text begins with it, in whichever case.
fn strip_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let (first, rest) = text.split_once(' ').unwrap_or((text, ""));
    first.eq_ignore_ascii_case(word).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::super::tests::conversation;

    async fn ask(server: &str) -> (Result<(), String>, Vec<u8>) {
        conversation(server, async |io| super::ask(io).await).await
    }

    #[tokio::test]
    async fn a_server_that_offers_it_is_asked() {
        let server = "* OK here\r\n* CAPABILITY IMAP4rev2 starttls\r\na1 OK done\r\na2 OK go\r\n";
        assert_eq!(ask(server).await, (Ok(()), "a1 CAPABILITY\r\na2 STARTTLS\r\n".into()));
    }

    #[tokio::test]
    async fn what_follows_the_consent_is_refused() {
        let server = "* OK here\r\n* CAPABILITY STARTTLS\r\na1 OK done\r\na2 OK go\r\n* OK injected\r\n";
        assert!(ask(server).await.0.unwrap_err().contains("more plaintext"));
    }

    #[tokio::test]
    async fn each_wrong_answer_has_its_words() {
        for (server, words) in [
            (
                "* OK here\r\n* CAPABILITY IMAP4rev1 LOGINDISABLED\r\na1 OK done\r\n",
                "are `IMAP4rev1 LOGINDISABLED`",
            ),
            ("* OK here\r\na1 BAD what\r\n", "refuses CAPABILITY: `BAD what`"),
            (
                "* OK here\r\n* CAPABILITY STARTTLS\r\na1 OK\r\na2 NO not now\r\n",
                "then refuses it: `NO not now`",
            ),
            ("* PREAUTH here\r\n", "claims that the connection is authenticated"),
            ("* BYE full\r\n", "takes no connection: `* BYE full`"),
            ("220 mail\r\n", "does not speak IMAP: it says `220 mail`"),
            ("* OK here\r\na9 OK done\r\n", "does not speak IMAP"),
            ("* OK here\r\n", "closed the connection before TLS"),
        ] {
            let error = ask(server).await.0.unwrap_err();
            assert!(error.contains(words), "`{words}` is not in: {error}");
        }
    }
}
