//! UTCTime and GeneralizedTime as RFC 5280 §4.1.2.5 has them.

use std::time::{Duration, SystemTime};

use crate::{
    Malformed,
    reader::{Reader, Tag},
};

impl<'a> Reader<'a> {
    /// Time: UTCTime or GeneralizedTime.
    ///
    /// RFC 5280 §4.1.2.5 wants UTCTime through 2049. GeneralizedTime before 2050 is taken all the same: its meaning is
    /// plain, and OpenSSL and webpki take it.
    pub(crate) fn time(&mut self) -> Result<SystemTime, Malformed> {
        match self.next_is(Tag::UTC_TIME) {
            true => {
                let element = self.expect(Tag::UTC_TIME)?;
                self.at_time(utc_time(element.value))
            }
            false => self.generalized_time(),
        }
    }

    pub(crate) fn next_is_time(&self) -> bool {
        self.next_is(Tag::UTC_TIME) || self.next_is(Tag::GENERALIZED_TIME)
    }

    pub(crate) fn generalized_time(&mut self) -> Result<SystemTime, Malformed> {
        let element = self.expect(Tag::GENERALIZED_TIME)?;
        self.at_time(generalized_time(element.value))
    }

    fn at_time(&self, seconds: Option<i64>) -> Result<SystemTime, Malformed> {
        seconds.and_then(from_epoch).ok_or_else(|| {
            self.malformed("the time is not a date with hours, minutes and seconds in UTC, without fractions")
        })
    }
}

/// YYMMDDHHMMSSZ: 50 to 99 are of the twentieth century.
fn utc_time(content: &[u8]) -> Option<i64> {
    let (year, rest) = number(content, 2)?;
    seconds(if year < 50 { 2000 + year } else { 1900 + year }, rest)
}

/// YYYYMMDDHHMMSSZ.
fn generalized_time(content: &[u8]) -> Option<i64> {
    let (year, rest) = number(content, 4)?;
    seconds(year, rest)
}

/// MMDDHHMMSSZ of this year, as seconds since 1970.
fn seconds(year: i64, content: &[u8]) -> Option<i64> {
    let (month, rest) = number(content, 2)?;
    let (day, rest) = number(rest, 2)?;
    let (hour, rest) = number(rest, 2)?;
    let (minute, rest) = number(rest, 2)?;
    let (second, rest) = number(rest, 2)?;
    let in_range = (1..=12).contains(&month)
        && (1..=days_of(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    (in_range && rest == b"Z").then(|| ((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second)
}

fn number(content: &[u8], digits: usize) -> Option<(i64, &[u8])> {
    let (digits, rest) = content.split_at_checked(digits)?;
    let number = digits
        .iter()
        .try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + i64::from(digit - b'0')))?;
    Some((number, rest))
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days from 1970-01-01 in the Gregorian calendar. Years are counted from March, so that a leap day is a year's last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    const FROM_YEAR_0_TO_1970: i64 = 719_468;
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let before_year = year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    let before_month = (153 * month + 2) / 5;
    before_year + before_month + day - 1 - FROM_YEAR_0_TO_1970
}

/// `None` where the system's clock knows no such time.
fn from_epoch(seconds: i64) -> Option<SystemTime> {
    let distance = Duration::from_secs(seconds.unsigned_abs());
    match seconds < 0 {
        true => SystemTime::UNIX_EPOCH.checked_sub(distance),
        false => SystemTime::UNIX_EPOCH.checked_add(distance),
    }
}

#[cfg(test)]
mod tests;
