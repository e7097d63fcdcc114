//! What must hold for every message and any bytes.
//!
//! A message is read as it was written. Cut short or made longer it is refused. Any bytes end in a value or an alert,
//! and a value that was read once is written the same way from then on: byte for byte as it came, where a message
//! leaves no choice.

use polytls_api::AlertDescription;
use proptest::{collection::vec, prelude::*, sample::Index};

use super::{
    alert, body,
    deal::{Deal, Dealer},
};
use crate::{error::Fault, wire::handshake::*};

/// Takes out the types of extensions that a parsed message remembers: nobody writes them.
macro_rules! forget_present {
    ($value:expr, extensions) => {
        $value.extensions.present.clear()
    };
    ($value:expr, entries) => {
        $value.entries.iter_mut().for_each(|entry| entry.present.clear())
    };
    ($value:expr, itself) => {
        $value.present.clear()
    };
    ($value:expr, nothing) => {
        _ = &mut $value
    };
}

/// A shorter message that is whole as well.
macro_rules! may_be_cut {
    // RFC 5246 §7.4.1.2: the extensions of a hello may be left out, length and all.
    ($shorter:expr, extensions) => {
        $shorter.extensions == Default::default()
    };
    // A Finished is as long as it is: a wrong length does not verify, as wrong bytes do not.
    ($shorter:expr, anywhere) => {
        true
    };
    ($shorter:expr, nowhere) => {
        false
    };
}

/// A longer message that is whole as well.
macro_rules! may_be_longer {
    (anywhere) => {
        true
    };
    ($cut:tt) => {
        false
    };
}

macro_rules! properties {
    ($($name:ident: $Message:ident, present in $present:tt, cut $cut:tt, canonical $canonical:literal;)*) => {$(
        mod $name {
            use super::*;

            proptest! {
                #[test]
                fn is_read_as_it_was_written(pool in vec(any::<u8>(), 0..2000)) {
                    let value = $Message::deal(&mut Dealer::new(&pool));
                    let message = value.encode();
                    let mut read = $Message::parse(body(&message)).map_err(alert).unwrap();
                    forget_present!(read, $present);
                    prop_assert_eq!(read, value);
                }

                #[test]
                fn is_refused_when_cut_or_longer(pool in vec(any::<u8>(), 0..2000), at: Index) {
                    let message = $Message::deal(&mut Dealer::new(&pool)).encode();
                    let whole = body(&message);
                    if !whole.is_empty() {
                        match $Message::parse(&whole[..at.index(whole.len())]) {
                            Err(Fault::Decode(_)) => {}
                            Err(fault) => prop_assert!(false, "{fault:?}"),
                            Ok(shorter) => prop_assert!(may_be_cut!(shorter, $cut), "{shorter:?}"),
                        }
                    }
                    let longer = [whole, &[0]].concat();
                    match $Message::parse(&longer) {
                        Err(fault) => prop_assert_eq!(alert(fault), AlertDescription::DECODE_ERROR),
                        Ok(_) => prop_assert!(may_be_longer!($cut)),
                    }
                }

                #[test]
                fn any_bytes_end_in_a_value_or_an_alert(bytes in vec(any::<u8>(), 0..500)) {
                    check($canonical, &bytes)?;
                }

                #[test]
                fn changed_bytes_end_in_a_value_or_an_alert(
                    pool in vec(any::<u8>(), 0..1000),
                    changes in vec((any::<Index>(), any::<u8>()), 1..4),
                ) {
                    let mut bytes = body(&$Message::deal(&mut Dealer::new(&pool)).encode()).to_vec();
                    for (at, with) in changes {
                        if !bytes.is_empty() {
                            let at = at.index(bytes.len());
                            bytes[at] = with;
                        }
                    }
                    check($canonical, &bytes)?;
                }
            }

            fn check(canonical: bool, bytes: &[u8]) -> Result<(), TestCaseError> {
                let value = match $Message::parse(bytes) {
                    Err(fault) => {
                        alert(fault);
                        return Ok(());
                    }
                    Ok(value) => value,
                };
                let message = value.encode();
                if canonical {
                    prop_assert_eq!(body(&message), bytes);
                }
                let again = $Message::parse(body(&message)).map_err(alert).unwrap();
                prop_assert_eq!(again.encode(), message);
                Ok(())
            }
        }
    )*};
}

properties! {
    client_hello: ClientHello, present in nothing, cut extensions, canonical false;
    server_hello: ServerHello, present in extensions, cut extensions, canonical false;
    encrypted_extensions: EncryptedExtensions, present in itself, cut nowhere, canonical false;
    certificate_request: CertificateRequest, present in nothing, cut nowhere, canonical false;
    certificate: Certificate, present in entries, cut nowhere, canonical false;
    compressed_certificate: CompressedCertificate, present in nothing, cut nowhere, canonical true;
    certificate_verify: CertificateVerify, present in nothing, cut nowhere, canonical true;
    finished: Finished, present in nothing, cut anywhere, canonical true;
    new_session_ticket: NewSessionTicket, present in nothing, cut nowhere, canonical false;
    end_of_early_data: EndOfEarlyData, present in nothing, cut nowhere, canonical true;
    server_hello_done: ServerHelloDone, present in nothing, cut nowhere, canonical true;
    certificate12: CertificateList12, present in nothing, cut nowhere, canonical true;
    certificate_request12: CertificateRequest12, present in nothing, cut nowhere, canonical true;
    server_key_exchange: ServerKeyExchange, present in nothing, cut nowhere, canonical true;
    client_key_exchange: ClientKeyExchange, present in nothing, cut nowhere, canonical true;
    new_session_ticket12: NewSessionTicket12, present in nothing, cut nowhere, canonical true;
    certificate_status: CertificateStatus, present in nothing, cut nowhere, canonical true;
}
