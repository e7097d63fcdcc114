//! Records sealed and opened by a backend's record cipher, and by nothing else.

use std::time::Duration;

use polytls::record::{NONCE_LEN, RecordCipher, TAG_LEN};

use super::{Sample, timed};

/// What a record's header and its content type take.
const HEADER: [u8; 5] = [23, 3, 3, 0, 0];
const CONTENT_TYPE: [u8; 1] = [23];
/// Bytes in a batch.
const BATCH: usize = 256 << 10;

/// Records of `size` sealed from one buffer into another, and opened into a third. Counts plaintext.
pub(super) fn rounds(mut cipher: Box<dyn RecordCipher>, size: usize) -> impl FnMut(Duration) -> Sample {
    let plaintext = vec![0x5a; size];
    let mut sealed = vec![0; size + CONTENT_TYPE.len() + TAG_LEN];
    let mut opened = vec![0; size + CONTENT_TYPE.len()];
    let mut sequence = 0_u64;
    move |at_least| {
        timed(at_least, || {
            let records = (BATCH / size).max(1);
            for _ in 0..records {
                sequence += 1;
                let mut nonce = [0; NONCE_LEN];
                nonce[4..].copy_from_slice(&sequence.to_be_bytes());
                cipher.seal(nonce, &HEADER, &plaintext, &CONTENT_TYPE, &mut sealed).expect("sealed");
                cipher.open(nonce, &HEADER, &sealed, &mut opened).expect("opened");
            }
            records * size
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Settings, Stack, stacks::Polytls};

    #[test]
    fn plaintext_is_counted() {
        let cipher = Polytls::<polytls::backends::Builtin>::record_cipher(&Settings::default()).unwrap();
        let sample = rounds(cipher, 1 << 10)(Duration::ZERO);
        assert_eq!(sample.count, BATCH as f64);
    }
}
