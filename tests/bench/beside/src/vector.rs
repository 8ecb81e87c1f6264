//! The same mapping in VRL, the language of Vector: `order.vrl`, over the tree that Vector's own reader makes of a body.

use orderhub_mapping::view;
use vrl::compiler::runtime::Runtime;
use vrl::compiler::state::RuntimeState;
use vrl::compiler::{Program as Compiled, TargetValue, TimeZone, compile};
use vrl::value::{Secrets, Value};

use crate::both::Bench;

/// Read when it is run: whoever changes it need not wait for the linker.
const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/order.vrl");

/// The program, compiled.
pub(crate) struct Program(Compiled);

impl Program {
    pub(crate) fn new() -> Self {
        let source = std::fs::read_to_string(SOURCE).expect("it stands beside this file");
        match compile(&source, &vrl::stdlib::all()) {
            Ok(compiled) => Self(compiled.program),
            Err(wrong) => {
                let shown = vrl::diagnostic::Formatter::new(&source, wrong);
                panic!("order.vrl: {shown}")
            }
        }
    }

    /// One body in, to hub JSON.
    pub(crate) fn hub_json(&self, body: &[u8]) -> Vec<u8> {
        let value: Value = serde_json::from_slice(body).expect("it is JSON");
        let mut target =
            TargetValue { value, metadata: Value::Object(Default::default()), secrets: Secrets::new() };
        let mut runtime = Runtime::new(RuntimeState::default());
        let made = runtime.resolve(&mut target, &self.0, &TimeZone::default());
        if let Err(wrong) = made {
            panic!("the order is not mapped: {wrong}");
        }
        serde_json::to_vec(&target.value).expect("a tree can be written")
    }

    /// It gives the same tree as the mapping, for every order.
    pub(crate) fn same(&self, bench: &Bench) {
        let tree = |bytes: &[u8]| -> serde_json::Value {
            serde_json::from_slice(bytes).expect("hub JSON is JSON")
        };
        for body in &bench.bodies {
            let ours = tree(&view::bytes(&bench.contribution(body)));
            assert_eq!(tree(&self.hub_json(body.as_bytes())), ours, "VRL gives the same");
        }
    }
}
