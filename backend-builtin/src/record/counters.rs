//! How often a peer may do what brings the handshake no further.

use polytls_api::AlertDescription;

use crate::{error::Fault, options::Limits};

/// What has come to no purpose, and how much of it may.
#[derive(Debug)]
pub(super) struct Counters {
    /// These two since content last came; an alert is none.
    empty_records: Counter,
    warning_alerts: Counter,
    /// Since the handshake began.
    change_cipher_specs: Counter,
}

#[derive(Debug)]
struct Counter {
    seen: u8,
    most: u8,
    refusal: &'static str,
}

impl Counter {
    fn new(most: u8, refusal: &'static str) -> Self {
        Self { seen: 0, most, refusal }
    }

    fn count(&mut self) -> Result<(), Fault> {
        if self.seen == self.most {
            return Err(Fault::Limit(AlertDescription::UNEXPECTED_MESSAGE, self.refusal));
        }
        self.seen += 1;
        Ok(())
    }
}

impl Counters {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            empty_records: Counter::new(limits.empty_records, "too many empty records in a row"),
            warning_alerts: Counter::new(limits.warning_alerts, "too many warning alerts in a row"),
            change_cipher_specs: Counter::new(
                limits.change_cipher_specs,
                "too many change_cipher_spec records in TLS 1.3",
            ),
        }
    }

    pub(super) fn empty_record(&mut self) -> Result<(), Fault> {
        self.empty_records.count()
    }

    pub(super) fn warning_alert(&mut self) -> Result<(), Fault> {
        self.warning_alerts.count()
    }

    pub(super) fn change_cipher_spec(&mut self) -> Result<(), Fault> {
        self.change_cipher_specs.count()
    }

    /// A record that brought content.
    pub(super) fn content(&mut self) {
        self.empty_records.seen = 0;
        self.warning_alerts.seen = 0;
    }
}
