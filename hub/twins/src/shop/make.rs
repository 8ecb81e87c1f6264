//! Makes up orders: neutral customers, streets and articles, consistent sums, several currencies. The
//! same seed and number give the same order.

use jiff::Timestamp;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::order::{Line, Order, Payment};

/// A country with its currency and the way it taxes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Country {
    /// ISO 3166.
    pub code: &'static str,
    /// Its name.
    pub name: &'static str,
    /// A city there.
    pub city: &'static str,
    /// A postal code there.
    pub postal_code: &'static str,
    /// A region there, where addresses have one.
    pub region: Option<&'static str>,
    /// ISO 4217.
    pub currency: &'static str,
    /// Digits after the point.
    pub scale: u32,
    tax_permille: u64,
    taxes_included: bool,
}

/// Where orders come from: currencies with 0, 2 and 3 digits, prices with and without tax.
const COUNTRIES: &[Country] = &[
    Country::new(("DE", "Germany"), ("Hamburg", "20095", None), ("EUR", 2), (190, true)),
    Country::new(
        ("US", "United States"),
        ("Portland", "97201", Some("OR")),
        ("USD", 2),
        (85, false),
    ),
    Country::new(("GB", "United Kingdom"), ("Leeds", "LS1 1UR", None), ("GBP", 2), (200, true)),
    Country::new(("CN", "China"), ("Hangzhou", "310000", Some("ZJ")), ("CNY", 2), (0, true)),
    Country::new(("JP", "Japan"), ("Sapporo", "060-0001", None), ("JPY", 0), (100, true)),
    Country::new(("KW", "Kuwait"), ("Kuwait City", "13001", None), ("KWD", 3), (0, false)),
];

impl Country {
    /// Code and name; city, postal code and region; currency and its digits; tax in tenths of a percent, and whether
    /// prices contain it.
    pub const fn new(
        (code, name): (&'static str, &'static str),
        (city, postal_code, region): (&'static str, &'static str, Option<&'static str>),
        (currency, scale): (&'static str, u32),
        (tax_permille, taxes_included): (u64, bool),
    ) -> Self {
        Self {
            code,
            name,
            city,
            postal_code,
            region,
            currency,
            scale,
            tax_permille,
            taxes_included,
        }
    }
}

/// An article: sku, name, price in hundredths of a main unit, whether it ships.
pub type Article = (&'static str, &'static str, u64, bool);

/// What a shop sells, and where to. None of the lists is empty, and something in it ships.
#[derive(Clone, Copy, Debug)]
pub struct Assortment {
    /// Where orders come from.
    pub countries: &'static [Country],
    /// What is bought.
    pub articles: &'static [Article],
    /// What shipping costs where it is not free, in hundredths of a main unit.
    pub shipping: u64,
}

impl Default for Assortment {
    fn default() -> Self {
        Self { countries: COUNTRIES, articles: ARTICLES, shipping: 490 }
    }
}

const ARTICLES: &[Article] = &[
    ("MUG-BLU-L", "Mug, blue, large", 1_999, true),
    ("TEA-100", "Tea, 100 g", 500, true),
    ("TEA-500", "Tea, 500 g", 2_150, true),
    ("LAMP-01", "Desk lamp", 4_990, true),
    ("NOTE-A5", "Notebook A5", 795, true),
    ("PEN-BLK", "Pen, black", 149, true),
    ("BAG-CAN", "Canvas bag", 1_250, true),
    ("KEY-75", "Keyboard, 75 keys", 8_900, true),
    ("CUP-SET", "Set of six cups", 3_475, true),
    ("GIFT-WRAP", "Gift wrapping", 300, false),
];

const STREETS: &[&str] =
    &["Mill Lane", "Station Road", "Harbour Street", "Park Avenue", "Hill Road"];

/// The street of an order's address.
pub(super) fn street(number: u64) -> String {
    let at = usize::try_from(number).unwrap_or(0) % STREETS.len();
    format!("{} {}", number % 98 + 1, STREETS.get(at).copied().unwrap_or("Mill Lane"))
}

/// Makes up the order with a number. `id` gives fresh ids.
pub(super) fn order(
    assortment: &Assortment,
    seed: u64,
    number: u64,
    mut id: impl FnMut() -> u64,
) -> Order {
    let mut random = StdRng::seed_from_u64(seed.rotate_left(32) ^ number);
    let country = pick(&mut random, assortment.countries);
    // A main unit of a currency without a point is about as much as a hundredth of another's.
    let to_minor = |hundredths: u64| hundredths * 10_u64.pow(country.scale.saturating_sub(2));
    let count = random.random_range(1..=4.min(assortment.articles.len()));
    let mut lines: Vec<Line> = Vec::with_capacity(count);
    while lines.len() < count {
        let (sku, title, price, ships) = pick(&mut random, assortment.articles);
        // The first line always ships: an order of nothing but wrapping has no way through a warehouse.
        let known = lines.iter().any(|line| line.sku == sku);
        if known || (lines.is_empty() && !ships) {
            continue;
        }
        let quantity = random.random_range(1..=4);
        let price = to_minor(price);
        let discounted = random.random_range(0..5) == 0;
        let discount = if discounted { price * quantity / 10 } else { 0 };
        lines.push(Line {
            id: id(),
            sku,
            title,
            quantity,
            removed: 0,
            fulfilled: 0,
            apart: 0,
            price,
            discount,
            ships,
        });
    }
    let free = random.random_range(0..3) == 0;
    let shipping = if free { 0 } else { to_minor(assortment.shipping) };
    Order {
        id: id(),
        number,
        sequence: 1,
        currency: country.currency,
        scale: country.scale,
        country,
        taxes_included: country.taxes_included,
        tax_permille: country.tax_permille,
        shipping,
        payment: Payment::Pending,
        cancelled: None,
        note: None,
        tags: Vec::new(),
        created_at: Timestamp::UNIX_EPOCH,
        updated_at: Timestamp::UNIX_EPOCH,
        lines,
        fulfilments: Vec::new(),
        refunds: Vec::new(),
        apart_at: super::Place::default(),
    }
}

#[expect(clippy::indexing_slicing, reason = "the lists of an assortment are not empty")]
fn pick<T: Copy>(random: &mut StdRng, from: &'static [T]) -> T {
    from[random.random_range(0..from.len())]
}
