//! The presentation language of RFC 8446 §3: numbers in network order, and vectors with their length in front.
//!
//! A [`Reader`] never reads past its end and never leaves bytes unread without saying so; what goes wrong is a
//! `decode_error` (RFC 8446 §6.2). [`Put`] writes the same language into a `Vec<u8>`.

use crate::error::Fault;

/// What is left to read of a message or of a part of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Fault> {
        let [value] = self.array()?;
        Ok(value)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Fault> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u24(&mut self) -> Result<u32, Fault> {
        let [high, middle, low] = self.array()?;
        Ok(u32::from_be_bytes([0, high, middle, low]))
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Fault> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let (array, rest) = self.0.split_first_chunk().ok_or_else(too_short)?;
        self.0 = rest;
        Ok(*array)
    }

    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8], Fault> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or_else(too_short)?;
        self.0 = rest;
        Ok(taken)
    }

    /// Everything that is left; nothing is left then.
    pub(crate) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }

    /// A vector with one byte of length.
    pub(crate) fn vec8(&mut self) -> Result<&'a [u8], Fault> {
        let length = self.u8()?;
        self.take(length.into())
    }

    /// A vector with two bytes of length.
    pub(crate) fn vec16(&mut self) -> Result<&'a [u8], Fault> {
        let length = self.u16()?;
        self.take(length.into())
    }

    /// A vector with three bytes of length.
    pub(crate) fn vec24(&mut self) -> Result<&'a [u8], Fault> {
        let length = self.u24()?;
        self.take(usize::try_from(length).map_err(|_| too_short())?)
    }

    /// What is left, read as one item after the other.
    pub(crate) fn items<T>(
        mut self,
        mut item: impl FnMut(&mut Self) -> Result<T, Fault>,
    ) -> Result<Vec<T>, Fault> {
        let mut items = Vec::new();
        while !self.is_empty() {
            items.push(item(&mut self)?);
        }
        Ok(items)
    }

    /// What is left, read as two-byte codes of a registry; at least one.
    pub(crate) fn codes<T>(self, code: impl Fn(u16) -> T) -> Result<Vec<T>, Fault> {
        let (pairs, odd) = self.0.as_chunks();
        if pairs.is_empty() || !odd.is_empty() {
            return Err(Fault::Decode("a list of two-byte codes that is empty or has an odd length"));
        }
        Ok(pairs.iter().map(|pair| code(u16::from_be_bytes(*pair))).collect())
    }

    /// The end: nothing may be left.
    pub(crate) fn finish(self) -> Result<(), Fault> {
        if self.is_empty() { Ok(()) } else { Err(Fault::Decode("bytes after the end of a structure")) }
    }
}

/// Made where it is wanted: what may be a fault of any kind takes time to drop, and most reads are good.
#[cold]
fn too_short() -> Fault {
    Fault::Decode("a structure that ends too early")
}

/// `bytes`, unless there are none where the presentation language asks for some.
pub(crate) fn not_empty<'a>(bytes: &'a [u8], rule: &'static str) -> Result<&'a [u8], Fault> {
    if bytes.is_empty() { Err(Fault::Decode(rule)) } else { Ok(bytes) }
}

/// Writing the presentation language.
///
/// Contents longer than their length can say are cut: sizes are bounded where configuration and messages come in,
/// and a peer can parse whatever is sent.
pub(crate) trait Put {
    fn put_u8(&mut self, value: u8);
    fn put_u16(&mut self, value: u16);
    /// The lower three bytes of `value`.
    fn put_u24(&mut self, value: u32);
    fn put_u32(&mut self, value: u32);
    fn put_slice(&mut self, bytes: &[u8]);
    /// A vector with one byte of length.
    fn vec8(&mut self, content: impl FnOnce(&mut Vec<u8>));
    /// A vector with two bytes of length.
    fn vec16(&mut self, content: impl FnOnce(&mut Vec<u8>));
    /// A vector with three bytes of length.
    fn vec24(&mut self, content: impl FnOnce(&mut Vec<u8>));
}

impl Put for Vec<u8> {
    fn put_u8(&mut self, value: u8) {
        self.push(value);
    }

    fn put_u16(&mut self, value: u16) {
        self.put_slice(&value.to_be_bytes());
    }

    fn put_u24(&mut self, value: u32) {
        let [_, bytes @ ..] = value.to_be_bytes();
        self.put_slice(&bytes);
    }

    fn put_u32(&mut self, value: u32) {
        self.put_slice(&value.to_be_bytes());
    }

    fn put_slice(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }

    fn vec8(&mut self, content: impl FnOnce(&mut Vec<u8>)) {
        put_vector::<1>(self, content);
    }

    fn vec16(&mut self, content: impl FnOnce(&mut Vec<u8>)) {
        put_vector::<2>(self, content);
    }

    fn vec24(&mut self, content: impl FnOnce(&mut Vec<u8>)) {
        put_vector::<3>(self, content);
    }
}

/// A vector with `N` bytes of length, which are filled in when the content is there.
fn put_vector<const N: usize>(out: &mut Vec<u8>, content: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.put_slice(&[0; N]);
    content(out);
    let most = (1 << (8 * N)) - 1;
    let length = (out.len() - start - N).min(most);
    out.truncate(start + N + length);
    if let (Some(field), Some(bytes)) =
        (out.get_mut(start..start + N), length.to_be_bytes().last_chunk::<N>())
    {
        field.copy_from_slice(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::tests::written;

    #[test]
    fn numbers_and_vectors_are_read_as_they_were_written() {
        let bytes = written(|out| {
            out.put_u8(1);
            out.put_u16(0x0203);
            out.put_u24(0x04_0506);
            out.put_u32(0x0708_090a);
            out.vec8(|out| out.put_slice(b"short"));
            out.vec16(|out| out.vec24(|out| out.put_slice(b"nested")));
        });
        assert_eq!(bytes[..10], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
        let mut reader = Reader::new(&bytes);
        assert_eq!(reader.u8().unwrap(), 1);
        assert_eq!(reader.u16().unwrap(), 0x0203);
        assert_eq!(reader.u24().unwrap(), 0x04_0506);
        assert_eq!(reader.u32().unwrap(), 0x0708_090a);
        assert_eq!(reader.vec8().unwrap(), b"short");
        assert_eq!(Reader::new(reader.vec16().unwrap()).vec24().unwrap(), b"nested");
        reader.finish().unwrap();
    }

    #[test]
    fn nothing_is_read_past_the_end() {
        let mut reader = Reader::new(&[2, 0]);
        assert!(reader.u24().is_err());
        assert!(reader.vec8().is_err());
        assert!(Reader::new(&[0]).u16().is_err());
        assert!(Reader::new(&[0; 3]).array::<4>().is_err());
        assert!(Reader::new(&[0, 0, 1]).vec24().is_err());
        assert!(Reader::new(&[0]).finish().is_err());
    }

    #[test]
    fn codes_come_in_pairs_of_bytes() {
        assert_eq!(Reader::new(&[1, 2, 3, 4]).codes(|code| code).unwrap(), [0x0102, 0x0304]);
        assert!(Reader::new(&[]).codes(|code| code).is_err());
        assert!(Reader::new(&[1, 2, 3]).codes(|code| code).is_err());
    }

    #[test]
    fn contents_that_do_not_fit_are_cut() {
        let bytes = written(|out| out.vec8(|out| out.put_slice(&[7; 300])));
        assert_eq!(Reader::new(&bytes).vec8().unwrap(), [7; 255]);
        assert_eq!(bytes.len(), 256);
        let bytes = written(|out| out.vec16(|out| out.put_slice(&[7; 0x1_0000])));
        assert_eq!(Reader::new(&bytes).vec16().unwrap().len(), 0xffff);
    }
}
