//! All conversions by name: one is one file beside this one and one line here.
//!
//! **Invariant:** the names are in order, each stands once, and each conversion has a row in the test of
//! the laws. Test: `every_conversion_has_a_law_or_folds`.

use orderhub_lang::yaml::Node;

use super::{
    Conversion, Options, boolean, case, concat, count, date, decimal, first, html_text, integer,
    join, json, lookup, max, min, money, negate, pairs, phone, scale, shell, split, strip_prefix,
    sum, table, text, timestamp, trim, truncate, wrap,
};

/// Reads a conversion's options. `None`: they are wrong, and that was reported.
pub(crate) type Read = fn(&Node, &mut Options<'_>) -> Option<Box<dyn Conversion>>;

/// One conversion.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    /// Its name in files.
    pub(crate) name: &'static str,
    /// Makes it of its options.
    pub(crate) read: Read,
}

/// Every conversion, by name.
pub(crate) static ALL: &[Entry] = &[
    entry("boolean", boolean::Boolean::read),
    entry("concat", concat::Concat::read),
    entry("count", plain::<count::Count>),
    entry("date", date::DateOf::read),
    entry("decimal", decimal::Decimals::read),
    entry("first", plain::<first::First>),
    entry("html_text", plain::<html_text::HtmlText>),
    entry("integer", integer::Integer::read),
    entry("join", join::Join::read),
    entry("json", plain::<json::JsonText>),
    entry("lookup", lookup::read),
    entry("lower", case::lower),
    entry("max", plain::<max::Max>),
    entry("min", plain::<min::Min>),
    entry("money", money::MoneyOf::read),
    entry("negate", plain::<negate::Negate>),
    entry("pairs", pairs::Pairs::read),
    entry("phone", phone::Phone::read),
    entry("scale", scale::Scale::read),
    entry("shell", shell::Shell::read),
    entry("split", split::Split::read),
    entry("strip_prefix", strip_prefix::StripPrefix::read),
    entry("sum", plain::<sum::Sum>),
    entry("table", table::Table::read),
    entry("text", plain::<text::Text>),
    entry("timestamp", timestamp::TimestampOf::read),
    entry("trim", plain::<trim::Trim>),
    entry("truncate", truncate::Truncate::read),
    entry("upper", case::upper),
    entry("wrap", wrap::Wrap::read),
];

const fn entry(name: &'static str, read: Read) -> Entry {
    Entry { name, read }
}

/// The conversion of a name.
pub(crate) fn find(name: &str) -> Option<&'static Entry> {
    ALL.iter().find(|entry| entry.name == name)
}

/// All names, for "did you mean".
pub(crate) fn names<'n>() -> impl Iterator<Item = &'n str> {
    ALL.iter().map(|entry| entry.name)
}

/// A conversion without options.
fn plain<C: Conversion + Default + 'static>(
    node: &Node,
    options: &mut Options<'_>,
) -> Option<Box<dyn Conversion>> {
    options.none(node).then(|| Box::new(C::default()) as _)
}
