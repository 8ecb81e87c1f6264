//! Order lines as rows, for analysts: what `v1_lines` shows. Beside the head, in the same commit, and only where a
//! line's own fields changed. Numbers are exact: decimal text here, `NUMERIC` on PostgreSQL. Nothing personal: free
//! properties, which may hold anything, are left out.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use orderhub_order::catalogue::{FieldId, FieldSet, known};
use orderhub_order::ids::{Collection, OrderKey};
use orderhub_order::model::{Element, Order};
use orderhub_order::value::Text;

/// The columns of texts, in the order of the table.
pub(crate) const TEXTS: [(&str, FieldId); 6] = [
    ("sku", known::line::SKU),
    ("gtin", known::line::GTIN),
    ("name", known::line::NAME),
    ("variant", known::line::VARIANT),
    ("uom", known::line::UOM),
    ("state", known::line::STATE),
];
/// The columns of amounts; their currency is the line's.
pub(crate) const AMOUNTS: [(&str, FieldId); 4] = [
    ("unit_price", known::line::UNIT_PRICE),
    ("discount", known::line::DISCOUNT),
    ("tax", known::line::TAX),
    ("total", known::line::TOTAL),
];
/// The columns of quantities, in the line's unit of measure.
pub(crate) const QUANTITIES: [(&str, FieldId); 10] = [
    ("qty_ordered", known::line::QTY_ORDERED),
    ("qty_cancelled", known::line::QTY_CANCELLED),
    ("qty_allocated", known::line::QTY_ALLOCATED),
    ("qty_released", known::line::QTY_RELEASED),
    ("qty_picked", known::line::QTY_PICKED),
    ("qty_packed", known::line::QTY_PACKED),
    ("qty_short", known::line::QTY_SHORT),
    ("qty_shipped", known::line::QTY_SHIPPED),
    ("qty_delivered", known::line::QTY_DELIVERED),
    ("qty_returned", known::line::QTY_RETURNED),
];

/// What a change of a row touches. A tombstone touches every field of its line.
static SHOWN: LazyLock<FieldSet> = LazyLock::new(|| {
    let fields = TEXTS.iter().chain(&AMOUNTS).chain(&QUANTITIES).map(|(_, field)| *field);
    let more = [known::line::LINE_NO, known::order::CURRENCY];
    fields.chain(more).collect()
});

/// Whether a change of these fields may change a row.
pub(crate) fn shown(touched: &FieldSet) -> bool {
    touched.intersects(&SHOWN)
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LineRow {
    /// Our id of it.
    pub(crate) line: Text,
    /// Its place among the others.
    pub(crate) line_no: Option<i64>,
    /// [`TEXTS`].
    pub(crate) texts: [Option<Text>; TEXTS.len()],
    /// ISO 4217.
    pub(crate) currency: Option<Text>,
    /// [`AMOUNTS`], then [`QUANTITIES`], exact.
    pub(crate) numbers: [Option<String>; AMOUNTS.len() + QUANTITIES.len()],
    /// A complete document no longer held it.
    pub(crate) removed: bool,
}

/// The rows of an order, by line.
pub(crate) fn rows(order: &Order) -> BTreeMap<Text, LineRow> {
    let lines = order.collections.get(&Collection::Lines).into_iter().flatten();
    lines.map(|line| (Text::new(line.id.as_str()), row(order, line))).collect()
}

fn row(order: &Order, element: &Element) -> LineRow {
    let fields = &element.fields;
    let texts = TEXTS.map(|(_, field)| fields.text(field).map(Text::new));
    let own = AMOUNTS.iter().find_map(|(_, field)| fields.money(*field));
    let currency = own.map(|money| money.currency.as_str());
    let currency = currency.or_else(|| order.fields.text(known::order::CURRENCY));
    let mut numbers = [const { None }; AMOUNTS.len() + QUANTITIES.len()];
    let amounts = AMOUNTS.iter().map(|(_, field)| Some(fields.money(*field)?.amount.to_string()));
    let quantities =
        QUANTITIES.iter().map(|(_, field)| Some(fields.decimal(*field)?.normalize().to_string()));
    for (slot, number) in numbers.iter_mut().zip(amounts.chain(quantities)) {
        *slot = number;
    }
    LineRow {
        line: Text::new(element.id.as_str()),
        line_no: fields.decimal(known::line::LINE_NO).and_then(|number| number.try_into().ok()),
        texts,
        currency: currency.map(Text::new),
        numbers,
        removed: element.gone,
    }
}

/// The rows that one state has and the other has not, or otherwise; then those that are no more. Lines are never
/// taken out, only marked: the second list is short.
pub(crate) fn between(
    before: &BTreeMap<Text, LineRow>,
    after: BTreeMap<Text, LineRow>,
    key: OrderKey,
    now: &mut Vec<(OrderKey, LineRow)>,
    gone: &mut Vec<(OrderKey, Text)>,
) {
    gone.extend(
        before.keys().filter(|line| !after.contains_key(*line)).map(|line| (key, line.clone())),
    );
    let new = after.into_iter().filter(|(line, row)| before.get(line) != Some(row));
    now.extend(new.map(|(_, row)| (key, row)));
}

#[cfg(test)]
mod tests {
    use orderhub_order::catalogue::{Personal, catalogue};

    use super::*;

    #[test]
    fn no_column_is_personal_and_each_is_named_as_its_field() {
        for (column, field) in TEXTS.iter().chain(&AMOUNTS).chain(&QUANTITIES) {
            let field = catalogue().field(*field).unwrap();
            assert_eq!(field.personal, Personal::None, "{column}");
            assert_eq!(field.path.replace('.', "_"), *column);
        }
        for field in catalogue().fields_of(Collection::Lines).filter(|f| f.path.starts_with("qty."))
        {
            assert!(QUANTITIES.iter().any(|(_, id)| *id == field.id), "{}", field.path);
        }
    }
}
