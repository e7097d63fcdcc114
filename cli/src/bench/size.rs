//! Sizes as the user writes them: `100`, `16KiB`, `1MiB`.

/// The largest write, 64 MiB: both ends hold one.
const MAX: usize = 64 << 20;

const UNITS: [(&str, usize); 3] = [("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

/// Bytes, from one to 64 MiB.
pub(super) fn parse(text: &str) -> Result<usize, String> {
    let lower = text.to_ascii_lowercase();
    let unit = UNITS.iter().find_map(|(name, unit)| {
        let digits = lower.strip_suffix(&name.to_ascii_lowercase())?;
        Some((digits.trim_end(), *unit))
    });
    let (digits, unit) = unit.unwrap_or((&lower, 1));
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("write it in bytes, KiB or MiB, such as 100, 16KiB or 1MiB".into());
    }
    // Digits too many for a number are too many bytes as well.
    let bytes = digits.parse().ok().and_then(|count: usize| count.checked_mul(unit));
    bytes.filter(|bytes| (1..=MAX).contains(bytes)).ok_or_else(|| "it is not in 1..=64MiB".into())
}

/// The size in the largest unit of which it is a whole number.
pub(super) fn text(bytes: usize) -> String {
    let unit = UNITS.iter().find(|(_, unit)| bytes.is_multiple_of(*unit));
    unit.map_or_else(|| bytes.to_string(), |(name, unit)| format!("{} {name}", bytes / unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_they_are_written() {
        for (written, bytes, told) in [
            ("1", 1, "1 B"),
            ("100b", 100, "100 B"),
            ("16KiB", 16 << 10, "16 KiB"),
            ("1536", 1536, "1536 B"),
            ("1 mib", 1 << 20, "1 MiB"),
            ("64MiB", 64 << 20, "64 MiB"),
        ] {
            assert_eq!(parse(written), Ok(bytes), "{written}");
            assert_eq!(text(bytes), told);
        }
        for wrong in ["", "KiB", "64KB", "1.5MiB", "-1", "+1", "0x10"] {
            assert!(parse(wrong).unwrap_err().contains("16KiB"), "{wrong}");
        }
        for wrong in
            ["0", "0MiB", "64MiB1", "65MiB", "67108865", "18446744073709551616", "18014398509481984KiB"]
        {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
