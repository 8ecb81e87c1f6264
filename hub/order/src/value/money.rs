//! Amounts with their currency. No float touches them.

use std::fmt;

use rust_decimal::Decimal;
use serde::Serialize;
use thiserror::Error;

use super::Currency;

/// Digits after the point that a unit price may have.
pub const UNIT_PRICE_DIGITS: u32 = 6;
/// Digits before the point.
const LARGEST: Decimal = Decimal::from_parts(2_808_348_672, 232_830_643, 0, false, 0);

/// A decimal amount with its ISO 4217 currency.
///
/// **Invariant:** the scale is at most the currency's minor digits (unit prices: at most 6), kept as
/// given, never rounded in silence; no float ever touches it. Tests:
/// `an_amount_has_the_digits_of_its_currency`, `sums_keep_currency_and_scale`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Money {
    /// The amount in major units.
    pub amount: Decimal,
    /// ISO 4217, upper case.
    pub currency: Currency,
}

/// Why an amount is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MoneyError {
    /// Not a decimal number.
    #[error("`{0}` is not an amount; write a decimal number such as `12.50`")]
    NotANumber(String),
    /// Not in ISO 4217.
    #[error("`{0}` is not a known currency; write an ISO 4217 code such as `EUR`")]
    UnknownCurrency(String),
    /// More digits than the currency has.
    #[error("`{amount}` has more than the {digits} digits after the point that `{currency}` has")]
    TooFine {
        /// The amount.
        amount: Decimal,
        /// Its currency.
        currency: Currency,
        /// How many it may have.
        digits: u32,
    },
    /// 10^18 or more.
    #[error("the amount has more than 18 digits before the point")]
    TooLarge,
    /// Two currencies in one sum.
    #[error("`{0}` and `{1}` do not add up: two currencies")]
    TwoCurrencies(Currency, Currency),
}

impl Money {
    /// Takes an amount that fits its currency. Trailing zeros beyond it are dropped, other digits
    /// are an error; fewer digits are kept as given.
    ///
    /// # Errors
    ///
    /// [`MoneyError`].
    pub fn new(amount: Decimal, currency: Currency) -> Result<Money, MoneyError> {
        Money::with_digits(amount, currency, currency.digits().unwrap_or_default())
    }

    /// Takes an amount of up to `digits` digits, at least the currency's own: unit prices have
    /// [`UNIT_PRICE_DIGITS`].
    ///
    /// # Errors
    ///
    /// [`MoneyError`].
    pub fn with_digits(
        amount: Decimal,
        currency: Currency,
        digits: u32,
    ) -> Result<Money, MoneyError> {
        let own = currency.digits();
        let own = own.ok_or_else(|| MoneyError::UnknownCurrency(currency.to_string()))?;
        let digits = digits.max(own);
        if amount.abs() >= LARGEST {
            return Err(MoneyError::TooLarge);
        }
        if amount.scale() <= digits {
            return Ok(Money { amount, currency });
        }
        let short = amount.trunc_with_scale(digits);
        if short != amount {
            return Err(MoneyError::TooFine { amount: amount.normalize(), currency, digits });
        }
        Ok(Money { amount: short, currency })
    }

    /// Reads `12.50` and `EUR`.
    ///
    /// # Errors
    ///
    /// [`MoneyError`].
    pub fn parse(amount: &str, currency: &str, digits: Option<u32>) -> Result<Money, MoneyError> {
        let known = Currency::parse(currency);
        let known = known.ok_or_else(|| MoneyError::UnknownCurrency(currency.to_owned()))?;
        let number = Decimal::from_str_exact(amount);
        let number = number.map_err(|_| MoneyError::NotANumber(amount.to_owned()))?;
        Money::with_digits(number, known, digits.unwrap_or_default())
    }

    /// Nothing, in a currency, with its digits: `0.00 EUR`.
    pub fn zero(currency: Currency) -> Money {
        Money { amount: Decimal::new(0, currency.digits().unwrap_or_default()), currency }
    }

    /// The smallest amount of the currency.
    pub fn minor_unit(currency: Currency) -> Decimal {
        Decimal::new(1, currency.digits().unwrap_or_default())
    }

    /// The amount for people, with at least the currency's digits: `2.00 EUR` of `2`. What is kept, sent and compared stays as
    /// it was given.
    pub fn in_full(&self) -> String {
        let mut amount = self.amount;
        amount.rescale(amount.scale().max(self.currency.digits().unwrap_or_default()));
        format!("{amount} {}", self.currency)
    }

    /// The sum, in the same currency.
    ///
    /// # Errors
    ///
    /// [`MoneyError::TwoCurrencies`], [`MoneyError::TooLarge`].
    pub fn add(&self, other: &Money) -> Result<Money, MoneyError> {
        self.combine(other, self.amount.checked_add(other.amount))
    }

    /// The difference, in the same currency.
    ///
    /// # Errors
    ///
    /// [`MoneyError::TwoCurrencies`], [`MoneyError::TooLarge`].
    pub fn sub(&self, other: &Money) -> Result<Money, MoneyError> {
        self.combine(other, self.amount.checked_sub(other.amount))
    }

    fn combine(&self, other: &Money, amount: Option<Decimal>) -> Result<Money, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::TwoCurrencies(self.currency, other.currency));
        }
        let amount = amount.filter(|sum| sum.abs() < LARGEST).ok_or(MoneyError::TooLarge)?;
        Ok(Money { amount, currency: self.currency })
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount, self.currency)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_bound_is_ten_to_the_eighteenth() {
        assert_eq!(LARGEST.to_string(), format!("1{}", "0".repeat(18)));
    }

    #[test]
    fn an_amount_has_the_digits_of_its_currency() {
        let good = [
            ("12.50", "EUR", None, "12.50 EUR"),
            ("12.5", "EUR", None, "12.5 EUR"),
            ("12.5000", "EUR", None, "12.50 EUR"),
            ("-3", "JPY", None, "-3 JPY"),
            ("100.00", "JPY", None, "100 JPY"),
            ("1.234", "KWD", None, "1.234 KWD"),
            ("0.012345", "EUR", Some(6), "0.012345 EUR"),
        ];
        for (amount, currency, digits, shown) in good {
            assert_eq!(Money::parse(amount, currency, digits).unwrap().to_string(), shown);
        }
        let bad = [
            ("12.505", "EUR", None),
            ("1.5", "JPY", None),
            ("1.2345", "KWD", None),
            ("0.0123456", "EUR", Some(6)),
            ("1e3", "EUR", None),
            ("", "EUR", None),
            ("1", "XYZ", None),
            ("1000000000000000000", "EUR", None),
        ];
        for (amount, currency, digits) in bad {
            assert!(Money::parse(amount, currency, digits).is_err(), "{amount} {currency}");
        }
    }

    proptest! {
        #[test]
        fn sums_keep_currency_and_scale(a in -1_000_000_i64..1_000_000, b in -1_000_000_i64..1_000_000, code in 0_usize..3) {
            let currency = Currency::parse(["JPY", "CNY", "KWD"][code]).unwrap();
            let digits = currency.digits().unwrap();
            let left = Money::new(Decimal::new(a, digits), currency).unwrap();
            let right = Money::new(Decimal::new(b, digits), currency).unwrap();
            let sum = left.add(&right).unwrap();
            prop_assert_eq!(sum.currency, currency);
            prop_assert_eq!(sum.amount.scale(), digits);
            prop_assert_eq!(sum.sub(&right).unwrap(), left);
            let dollar = Money::zero(Currency::parse("USD").unwrap());
            prop_assert!(dollar.add(&right).is_err());
        }
    }
}
