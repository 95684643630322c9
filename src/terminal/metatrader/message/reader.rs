//! Fields of a line as typed values, each with an error that names it. Numbers become decimals, never floats.

use std::str::FromStr;

use rust_decimal::Decimal;

use crate::terminal::metatrader::line::Line;

/// A line that could be taken apart and still cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    #[error("{kind} has no {key}")]
    Missing { kind: String, key: &'static str },
    #[error("{kind}: {key} is \"{value}\", not {wanted}")]
    Wrong {
        kind: String,
        key: &'static str,
        value: String,
        wanted: &'static str,
    },
    #[error("the type {kind} is not one of this version")]
    UnknownType { kind: String },
}

/// Characters of a wrong value that an error shows.
const SHOWN: usize = 40;

#[derive(Clone, Copy, Debug)]
pub struct Reader<'a>(pub &'a Line);

impl<'a> Reader<'a> {
    pub fn text(self, key: &'static str) -> Result<&'a str, MessageError> {
        self.0.get(key).ok_or_else(|| MessageError::Missing {
            kind: self.0.kind().to_owned(),
            key,
        })
    }

    /// A missing field is empty.
    pub fn maybe(self, key: &'static str) -> &'a str {
        self.0.get(key).unwrap_or_default()
    }

    pub fn wrong(self, key: &'static str, wanted: &'static str) -> MessageError {
        MessageError::Wrong {
            kind: self.0.kind().to_owned(),
            key,
            value: self.maybe(key).chars().take(SHOWN).collect(),
            wanted,
        }
    }

    pub fn number<T: FromStr>(self, key: &'static str) -> Result<T, MessageError> {
        let text = self.text(key)?;
        text.parse()
            .map_err(|_not_a_number| self.wrong(key, "a whole number that fits"))
    }

    pub fn number_within<T: FromStr + PartialOrd>(
        self,
        key: &'static str,
        range: std::ops::RangeInclusive<T>,
    ) -> Result<T, MessageError> {
        let number = self.number(key)?;
        if range.contains(&number) {
            Ok(number)
        } else {
            Err(self.wrong(key, "within what a clock can show"))
        }
    }

    /// A missing or empty field is 0.
    pub fn number_or_zero<T: FromStr + Default>(
        self,
        key: &'static str,
    ) -> Result<T, MessageError> {
        if self.maybe(key).is_empty() {
            return Ok(T::default());
        }
        self.number(key)
    }

    pub fn decimal(self, key: &'static str) -> Result<Decimal, MessageError> {
        let text = self.text(key)?;
        decimal(text).ok_or_else(|| self.wrong(key, "a decimal number"))
    }

    /// A missing or empty field is 0.
    pub fn decimal_or_zero(self, key: &'static str) -> Result<Decimal, MessageError> {
        if self.maybe(key).is_empty() {
            return Ok(Decimal::ZERO);
        }
        self.decimal(key)
    }

    pub fn flag(self, key: &'static str) -> Result<bool, MessageError> {
        match self.text(key)? {
            "0" => Ok(false),
            "1" => Ok(true),
            _ => Err(self.wrong(key, "0 or 1")),
        }
    }

    /// A missing or empty flag is off.
    pub fn flag_or_off(self, key: &'static str) -> Result<bool, MessageError> {
        if self.maybe(key).is_empty() {
            return Ok(false);
        }
        self.flag(key)
    }

    /// A 64-bit number that MetaTrader shows as a signed one.
    pub fn magic(self, key: &'static str) -> Result<u64, MessageError> {
        let text = self.text(key)?;
        text.parse::<u64>()
            .or_else(|_signed| text.parse::<i64>().map(i64::cast_unsigned))
            .map_err(|_not_a_number| self.wrong(key, "a 64-bit number"))
    }

    /// 0 means that there is none.
    pub fn level(self, key: &'static str) -> Result<Option<Decimal>, MessageError> {
        Ok(Some(self.decimal_or_zero(key)?).filter(|level| !level.is_zero()))
    }
}

/// No price, volume or amount of money is as large; sums of some of them stay within what a decimal holds.
const MOST: Decimal = Decimal::from_parts(2_764_472_320, 232_830, 0, false, 0);

/// Plain decimal text alone: no exponent, no underscores, no more than money can be.
fn decimal(text: &str) -> Option<Decimal> {
    let plain = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+'));
    if !plain {
        return None;
    }
    text.parse()
        .ok()
        .filter(|number: &Decimal| number.abs() <= MOST)
}
