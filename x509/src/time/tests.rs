use std::time::{Duration, SystemTime};

use crate::{reader::Reader, tests::tlv};

fn parse(tag: u8, text: &str) -> Option<SystemTime> {
    Reader::new(&tlv(tag, &[text.as_bytes()]), "notAfter").time().ok()
}

fn after_epoch(seconds: u64) -> Option<SystemTime> {
    Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
}

fn before_epoch(seconds: u64) -> Option<SystemTime> {
    Some(SystemTime::UNIX_EPOCH - Duration::from_secs(seconds))
}

#[test]
fn times_are_read() {
    assert_eq!(parse(0x17, "700101000000Z"), after_epoch(0));
    assert_eq!(parse(0x17, "240229235959Z"), after_epoch(1_709_251_199));
    assert_eq!(parse(0x17, "491231235959Z"), after_epoch(2_524_607_999));
    assert_eq!(parse(0x18, "20500101000000Z"), after_epoch(2_524_608_000));
    // No profile has it, and all take it.
    assert_eq!(parse(0x18, "20240229235959Z"), after_epoch(1_709_251_199));
}

#[test]
fn times_before_1970_and_at_the_end_are_read() {
    assert_eq!(parse(0x17, "500101000000Z"), before_epoch(631_152_000));
    assert_eq!(parse(0x17, "691231235959Z"), before_epoch(1));
    assert_eq!(parse(0x18, "99991231235959Z"), after_epoch(253_402_300_799));
    // The system's clock may know of no such time, but that is no panic.
    let _ = parse(0x18, "00000101000000Z");
    #[cfg(unix)]
    assert_eq!(parse(0x18, "00000101000000Z"), before_epoch(62_167_219_200));
}

#[test]
fn leap_years_are_those_of_the_calendar() {
    assert!(parse(0x18, "20000229000000Z").is_some());
    assert!(parse(0x18, "24000229000000Z").is_some());
    for none in ["20230229000000Z", "19000229000000Z", "21000229000000Z", "20240230000000Z"] {
        assert_eq!(parse(0x18, none), None, "{none}");
    }
}

#[test]
fn what_is_no_time_of_rfc_5280_is_refused() {
    let utc = [
        "",
        "Z",
        "2401010000Z",
        "240101000000",
        "240101000000z",
        "240101000000+0000",
        "240101000000.5Z",
        "241301000000Z",
        "240001000000Z",
        "240100000000Z",
        "240132000000Z",
        "240431000000Z",
        "240101240000Z",
        "240101006000Z",
        "240101000060Z",
        "24010100000 Z",
        "-40101000000Z",
        "240101000000ZZ",
        "20240101000000Z",
    ];
    for text in utc {
        assert_eq!(parse(0x17, text), None, "{text:?}");
    }
    let generalized =
        ["20240101000000.0Z", "20240101000000,5Z", "20240101000000", "202401010000Z", "20240101000000+0100"];
    for text in generalized {
        assert_eq!(parse(0x18, text), None, "{text:?}");
    }
    assert_eq!(parse(0x13, "240101000000Z"), None);
}

#[test]
fn each_day_follows_the_one_before() {
    let mut last = parse(0x18, "18991231000000Z").unwrap();
    for year in 1900..2300 {
        for month in 1..=12 {
            for day in 1..=31 {
                let Some(next) = parse(0x18, &format!("{year:04}{month:02}{day:02}000000Z")) else {
                    continue;
                };
                assert_eq!(next.duration_since(last).unwrap().as_secs(), 86_400, "{year} {month} {day}");
                last = next;
            }
        }
    }
}
