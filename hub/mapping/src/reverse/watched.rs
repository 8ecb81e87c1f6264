//! What a rule does on the way out, step by step, for whoever watches. The value itself comes from the rule as it
//! runs with nobody watching; its steps are gone through once more beside it, and change nothing.

use orderhub_order::catalogue::catalogue;
use orderhub_order::ids::At;

use super::Out;
use super::read::Read;
use crate::cell::{Cell, Trouble};
use crate::conversions::Put;
use crate::hub_path::{HubPath, Leaf, Part, Start, Step};
use crate::program::{OutGiven, OutRule, OutSource};
use crate::watch::{Gave, RuleAt, Seen, SeenRead, SeenRow, SeenStep, Watch, value};
use crate::{Direction, ReverseError};

impl<'o> Out<'o> {
    /// Tells what a rule did for one element.
    #[cold]
    pub(super) fn tell(&self, watch: &dyn Watch, rule: &'o OutRule, at: &At, gave: Gave) {
        let mut row = SeenRow::new(self.holds(&rule.where_));
        if row.held {
            let cell = self.tell_input(rule, at, &mut row);
            self.tell_chain(rule, cell, &mut row);
        }
        let rows = vec![row];
        let rule = RuleAt::of(rule);
        watch.rule(Seen { rule, way: Direction::Out, rows, after: Vec::new(), gave });
    }

    /// Why a link of a chain refused its value, which is made once more to be shown: to keep it would take time of
    /// every value that is not refused.
    #[cold]
    pub(super) fn refused(
        &self,
        rule: &'o OutRule,
        at: &At,
        link: usize,
        trouble: Trouble,
    ) -> ReverseError {
        let mut cell = self.tell_input(rule, at, &mut SeenRow::new(true));
        for (number, conversion) in rule.chain.iter().take(link + 1).enumerate() {
            match self.put(rule, conversion.as_ref(), cell) {
                Ok(put) => cell = put.main,
                Err(error) if number == link => return error,
                Err(_) => break,
            }
        }
        self.failed(rule, trouble, None)
    }

    fn tell_input(&self, rule: &'o OutRule, at: &At, row: &mut SeenRow) -> Cell<'o> {
        match &rule.input {
            OutGiven::Constant(constant) => constant.clone(),
            OutGiven::First(sources) => {
                let mut best = Cell::Absent;
                for (which, source) in sources.iter().enumerate() {
                    match self.tell_source(which, source, at, row) {
                        Cell::Absent => {}
                        Cell::Null => best = Cell::Null,
                        value => return value,
                    }
                }
                best
            }
            OutGiven::Named(sources) => {
                let sources = sources.iter().enumerate();
                super::all(
                    sources.map(|(n, source)| self.tell_source(n, source, at, row)).collect(),
                )
            }
            OutGiven::Expression(inputs, expression) => {
                let mut cells = Vec::new();
                for (which, (name, source)) in inputs.iter().enumerate() {
                    cells.push((name.as_str(), self.tell_source(which, source, at, row)));
                }
                let computed = crate::run_compute(expression.as_ref(), &cells);
                let gave = match &computed {
                    Ok(cell) => Ok(value(cell)),
                    Err(trouble) => Err(trouble.why.clone()),
                };
                row.steps.push(SeenStep { by: "expr", link: 0, given: None, gave });
                computed.unwrap_or(Cell::Absent)
            }
            OutGiven::Object(path) => {
                let path = shown(path);
                row.reads.push(SeenRead { which: 0, path, value: None, steps: Vec::new() });
                Cell::Absent
            }
            OutGiven::Key => super::hub::own_id(&self.hub, at).map_or(Cell::Absent, Cell::text),
            OutGiven::Ours => at.id().map_or(Cell::Absent, |id| Cell::text(id.as_str().to_owned())),
        }
    }

    fn tell_source(
        &self,
        which: usize,
        source: &OutSource,
        at: &At,
        row: &mut SeenRow,
    ) -> Cell<'o> {
        let path = match source {
            OutSource::Hub(path) => shown(path),
            OutSource::Setting(name) => format!("$settings.{name}"),
        };
        let (mut cell, mut read) = (Cell::Absent, Read::default());
        if self.hub.source(source, self.context, at, &mut read, &mut cell).is_err() {
            cell = Cell::Absent;
        }
        row.reads.push(SeenRead { which, path, value: value(&cell), steps: Vec::new() });
        cell
    }

    fn tell_chain(&self, rule: &'o OutRule, mut cell: Cell<'o>, row: &mut SeenRow) {
        let links = rule.chain.len();
        for (number, conversion) in rule.chain.iter().enumerate() {
            let passes = cell == Cell::Absent || cell == Cell::Null && !conversion.takes_null();
            if passes {
                continue;
            }
            let given = value(&cell);
            let put = self.put(rule, conversion.as_ref(), cell);
            let gave = match &put {
                Ok(Put { main: Cell::Absent, beside }) => {
                    Ok(beside.iter().find(|cell| cell.is_value()).and_then(value))
                }
                Ok(put) => Ok(value(&put.main)),
                Err(error) => Err(why(error)),
            };
            let by = conversion.name();
            // The chain runs backwards; links count as the file writes them.
            row.steps.push(SeenStep { by, link: links - 1 - number, given, gave });
            cell = put.map_or(Cell::Absent, |put| put.main);
        }
    }
}

/// Why a subject cannot be mapped out, in a few words.
pub(super) fn why(error: &ReverseError) -> String {
    match error {
        ReverseError::NotLinked(kind) => format!("not_linked: no reference `{kind}`"),
        ReverseError::Failed(error) => error.why.clone(),
    }
}

/// A hub path as files write it.
pub(crate) fn shown(path: &HubPath) -> String {
    let mut text = match path.start {
        Start::Order => "/".to_owned(),
        Start::Up(levels) => "^".repeat(levels),
    };
    let field = |id| catalogue().field(id).map_or("", |field| field.path);
    for step in &path.steps {
        text.push_str(&match step {
            Step::Each(collection) => format!("{}.*.", collection.name()),
            Step::Index(collection, place) => format!("{}.{place}.", collection.name()),
            Step::Where(collection, id, wanted) => {
                format!("{}({}={wanted}).", collection.name(), field(*id))
            }
            Step::Follow(id, _) => format!("{}.", field(*id)),
        });
    }
    text.push_str(&match &path.leaf {
        Leaf::Field(id, None) => field(*id).to_owned(),
        Leaf::Field(id, Some(part)) => format!("{}.{}", field(*id), part_name(part)),
        Leaf::Collection(collection) => collection.name().to_owned(),
        Leaf::Xref(kind) => format!("$xref({kind})"),
        Leaf::Ordinal => "$n".to_owned(),
    });
    text
}

fn part_name(part: &Part) -> &str {
    match part {
        Part::Address(name) => name,
        Part::Amount => "amount",
        Part::Currency => "currency",
        Part::Entry(name) => name,
    }
}
