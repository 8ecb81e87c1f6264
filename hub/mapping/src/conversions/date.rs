//! `date: "%d.%m.%Y"`: a day; ISO 8601 by default. What a map of texts keeps of a day, and what an expression
//! gives, goes out as the day that it is.

use jiff::civil::Date;
use orderhub_lang::yaml::Node;

use super::{Conversion, Law, Options, Put, Target, Type};
use crate::cell::{Cell, Trouble};
use crate::quote::Quote;

#[derive(Debug)]
pub(crate) struct DateOf {
    format: String,
}

impl DateOf {
    pub(crate) fn read(node: &Node, options: &mut Options<'_>) -> Option<Box<dyn Conversion>> {
        if node.is_null() {
            return Some(Box::new(Self { format: "%Y-%m-%d".to_owned() }));
        }
        let mut format = Some(node);
        if node.as_map().is_some() {
            let mut fields = options.fields(node, "date")?;
            format = fields.required("format", options.findings);
            fields.finish(options.findings);
        }
        let format = options.only_text(format?, "a format is needed, such as \"%d.%m.%Y\"")?;
        if !format.contains('%') {
            let like = super::timestamp::strftime(&format).unwrap_or_else(|| "%d.%m.%Y".to_owned());
            options.wrong(node, &format!("a strftime pattern is needed: \"{like}\""));
            return None;
        }
        Some(Box::new(Self { format }))
    }
}

impl Conversion for DateOf {
    fn name(&self) -> &'static str {
        "date"
    }

    fn law(&self) -> Law {
        if self.format == "%Y-%m-%d" {
            return Law::Exact;
        }
        Law::Canonical("it is as fine as the format writes it")
    }

    fn gives(&self, from: Type) -> Result<Type, String> {
        super::text::scalar(from).map(|_| Type::Date)
    }

    fn quote(&self) -> Quote {
        Quote::Typed
    }

    fn get<'a>(&self, cell: Cell<'a>, _: &[Cell<'a>], _: Target) -> Result<Cell<'a>, Trouble> {
        let text = cell.scalar().ok_or_else(|| Trouble::wrong_type(&cell, "a day"))?;
        let why = "not a day in the format that the rule names";
        let day = Date::strptime(&self.format, &*text);
        day.map(Cell::Date).map_err(|_| Trouble::new("not_a_time", why))
    }

    fn put<'a>(&self, cell: Cell<'a>, _: Target) -> Result<Put<'a>, Trouble> {
        let day = match cell {
            Cell::Date(day) => day,
            Cell::Text(text) => text.parse().map_err(|_| {
                Trouble::new("not_a_time", "not a day as the hub writes it, `2026-01-31`")
            })?,
            other => return Err(Trouble::wrong_type(&other, "a day")),
        };
        let text = jiff::fmt::strtime::format(&self.format, day);
        text.map(|text| Put::main(Cell::text(text)))
            .map_err(|_| Trouble::new("not_a_time", "the day cannot be written in this format"))
    }
}
