//! What an engine tells of its steps while it takes them: spans of the target `polytls::step`, within one that is
//! named `handshake` and says the role.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tracing::{
    Id, Subscriber,
    field::{Field, Visit},
    span::Attributes,
};
use tracing_subscriber::{Layer, layer::Context, registry::LookupSpan};

pub(crate) const TARGET: &str = "polytls::step";

/// The spans' names, in the order of the tour's lines.
const STEPS: [&str; 6] = ["offer", "choose", "validate", "authenticate", "agree", "protect"];

/// Listens, and keeps when each step began.
#[derive(Clone, Default)]
pub(crate) struct Events(Arc<Mutex<Times>>);

/// When each step began on each side, counted from the start of that side's handshake; `None` where its engine does
/// not tell, or had nothing to do.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Times {
    client: [Option<Duration>; 6],
    server: [Option<Duration>; 6],
}

/// A handshake that is under way.
struct Handshake {
    is_client: bool,
    began: Instant,
}

impl Events {
    /// What was heard since the last time.
    pub(super) fn take(&self) -> Times {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Times {
    /// What the engines told of the step with this index.
    pub(super) fn of(&self, step: usize) -> [(&'static str, Option<Duration>); 2] {
        [("client", self.client[step]), ("server", self.server[step])]
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Events {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id).filter(|span| span.metadata().target() == TARGET) else { return };
        if span.name() == "handshake" {
            let mut role = IsClient(false);
            attributes.record(&mut role);
            span.extensions_mut().insert(Handshake { is_client: role.0, began: Instant::now() });
            return;
        }
        let Some(step) = STEPS.iter().position(|name| *name == span.name()) else { return };
        let told = span.scope().find_map(|span| {
            let extensions = span.extensions();
            let handshake = extensions.get::<Handshake>()?;
            Some((handshake.is_client, handshake.began.elapsed()))
        });
        let Some((is_client, after)) = told else { return };
        let mut times = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let side = if is_client { &mut times.client } else { &mut times.server };
        side[step].get_or_insert(after);
    }
}

/// Reads the field `role`.
struct IsClient(bool);

impl Visit for IsClient {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0 |= field.name() == "role" && value == "client";
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}

#[cfg(test)]
mod tests {
    use tracing::info_span;
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[test]
    fn steps_are_told_apart_by_their_handshake_and_the_first_of_each_counts() {
        let events = Events::default();
        tracing::subscriber::with_default(tracing_subscriber::registry().with(events.clone()), || {
            let client = info_span!(target: TARGET, "handshake", role = "client");
            let server = info_span!(target: TARGET, "handshake", role = "server");
            client.in_scope(|| drop(info_span!(target: TARGET, "offer")));
            server.in_scope(|| drop(info_span!(target: TARGET, "protect")));
            drop(info_span!(target: TARGET, "agree"));
            server.in_scope(|| drop(info_span!(target: "elsewhere", "agree")));
        });
        let times = events.take();
        let told: Vec<_> = times.client.iter().chain(&times.server).map(Option::is_some).collect();
        let expected: Vec<_> = (0..12).map(|place| place == 0 || place == 11).collect();
        assert_eq!(told, expected);
        assert!(events.take().client[0].is_none());
    }
}
