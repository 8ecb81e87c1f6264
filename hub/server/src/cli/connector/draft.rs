//! The files of a drafted connector.

use orderhub_order::ids::Role;

/// How we prove who we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Auth {
    /// `Authorization: Bearer …`
    Bearer,
    /// `X-Api-Key: …`
    Key,
    /// User and password.
    Basic,
    /// OAuth 2 client credentials.
    Oauth2,
    /// It does not ask.
    None,
}

impl Auth {
    /// The names of its secrets.
    pub(super) fn secrets(self) -> &'static [&'static str] {
        match self {
            Self::Bearer | Self::Key => &["token"],
            Self::Basic => &["user", "password"],
            Self::Oauth2 => &["client_id", "client_secret"],
            Self::None => &[],
        }
    }

    /// Lines of a connector.yaml.
    fn lines(self) -> &'static str {
        match self {
            Self::Bearer => "auth: { headers: { Authorization: \"Bearer {secret.token}\" } } # guess\n",
            Self::Key => "auth: { headers: { X-Api-Key: \"{secret.token}\" } } # guess\n",
            Self::Basic => {
                "auth: { basic: { user: \"{secret.user}\", password: \"{secret.password}\" } } # guess\n"
            }
            Self::Oauth2 => {
                "auth:
  oauth2: { url: \"{base_url}/oauth/token\", client_id: \"{secret.client_id}\", client_secret: \"{secret.client_secret}\" } # guess
  headers: { Authorization: \"Bearer {session.token}\" } # guess
"
            }
            Self::None => "",
        }
    }
}

/// What a system of a role is sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subject {
    role: Role,
    entity: &'static str,
    /// As the system may call it, one and many.
    one: &'static str,
    many: &'static str,
    /// When it is sent.
    on: &'static str,
    /// When what it was sent is not wanted any more; `None`: it is told with every other change.
    off: Option<&'static str>,
    /// Rules of the mapping.
    fields: &'static str,
    /// A case of it: what the hub has, and what is sent of it.
    case: [&'static str; 2],
}

const ORDER_CASE: [&str; 2] =
    [include_str!("samples/order.hub.json"), include_str!("samples/order.out.json")];
const FULFILMENT_CASE: [&str; 2] =
    [include_str!("samples/fulfilment.hub.json"), include_str!("samples/fulfilment.out.json")];
const SHIPMENT_CASE: [&str; 2] =
    [include_str!("samples/shipment.hub.json"), include_str!("samples/shipment.out.json")];

const ORDER: &str = "  - { hub: ref, system: reference } # guess
  - { hub: order_no, system: order_no } # guess
  - { hub: currency, system: currency } # guess
  - hub: lines
    system: lines # guess
    each:
      ours: line_ref # what the system names our line by; guess
      fields:
        - { hub: sku, system: sku } # guess
        - { hub: qty.ordered, system: quantity, as: decimal } # guess
";

const FULFILMENT: &str = "  - { hub: ref, system: reference } # guess
  - { hub: /order_no, system: order_no } # guess
  - hub: lines
    system: lines # guess
    each:
      ours: line_ref # what the system names our line by; guess
      fields:
        - { hub: line.sku, system: sku } # guess
        - { hub: qty, system: quantity, as: decimal } # guess
";

const SHIPMENT: &str = "  - { hub: ref, system: reference } # guess
  - { hub: /order_no, system: order_no } # guess
  - { hub: carrier, system: carrier } # guess
";

impl Subject {
    /// Of a role; `None`: what it has begins there, so that nothing is made by us.
    pub(super) fn of(role: Role) -> Option<Self> {
        let order = |one, many, on| {
            let off = (role != Role::Sink).then_some("order.cancelled");
            let (fields, case) = (ORDER, ORDER_CASE);
            Some(Self { role, entity: "order", one, many, on, off, fields, case })
        };
        match role {
            Role::Channel => None,
            Role::Erp => order("sale", "sales", "order.accepted"),
            Role::Finance => order("entry", "entries", "order.changed"),
            Role::Crm | Role::Sink => order("order", "orders", "order.changed"),
            Role::Wms => {
                let (one, many, on) = ("release", "releases", "fulfilment.released");
                Some(Self {
                    role,
                    entity: "fulfilment",
                    one,
                    many,
                    on,
                    off: Some("fulfilment.cancelled"),
                    fields: FULFILMENT,
                    case: FULFILMENT_CASE,
                })
            }
            Role::Tms => {
                let (one, many, on) = ("shipment", "shipments", "shipment.created");
                Some(Self {
                    role,
                    entity: "shipment",
                    one,
                    many,
                    on,
                    off: Some("shipment.cancelled"),
                    fields: SHIPMENT,
                    case: SHIPMENT_CASE,
                })
            }
        }
    }
}

/// Files, by their names, and how many lines of them were guessed.
pub(super) struct Drafted {
    pub(super) files: [(String, String); 5],
    pub(super) guesses: usize,
}

/// Drafts them.
pub(super) fn draft(name: &str, base_url: &str, subject: &Subject, auth: Auth) -> Drafted {
    let (one, [hub, out]) = (subject.one, subject.case);
    let files = [
        ("connector.yaml".to_owned(), connector(name, base_url, subject, auth)),
        ("integration.yaml".to_owned(), integration(name, subject)),
        (format!("{one}.yaml"), mapping(name, subject)),
        (format!("samples/{one}.hub.json"), hub.to_owned()),
        (format!("samples/{one}.out.json"), out.to_owned()),
    ];
    let guesses = files.iter().map(|(_, text)| text.matches("guess\n").count()).sum();
    Drafted { files, guesses }
}

fn connector(name: &str, base_url: &str, subject: &Subject, auth: Auth) -> String {
    let Subject { entity, one, many, off, .. } = subject;
    let auth = auth.lines();
    let cancel = off.map(|_| cancel(subject)).unwrap_or_default();
    format!(
        "# A draft: how {name} is spoken to. What ends with `guess` was guessed: look each up in what the vendor says of it.
# Then say what it was tried against: `tested: documentation`, `examples` or `server`.
orderhub: 1
connector: {name}
base: \"{{base_url}}\" # {base_url}
{auth}timeout: 10s # guess
limits: {{ default: {{ rate: 2/s, burst: 4 }} }} # guess
answer:
  why: [body.message, body.error.message, text] # guess
operations:
  create_{one}:
    kind: state
    entity: {entity}
    creates: true
    steps:
      # It is looked for by our reference first: one whose answer was lost is there already.
      - {{ id: find, method: GET, path: /{many}, query: {{ reference: \"{{doc.reference}}\" }}, save: {{ id: body.items.one.id }} }} # guess
      - id: create
        when: \"memo.id == ()\"
        method: POST
        path: /{many} # guess
        body: \"{{doc}}\"
        idempotency: {{ find_first: find, settles: 30s }} # how long it may take until what was made is found; guess
        save: {{ id: body.id }} # guess
      - {{ id: read, method: GET, path: \"/{many}/{{memo.id}}\", answer: {{ ok: \"status < 300 && has(body.id)\" }} }} # guess
    reply: {{ xrefs: {{ {entity}: memo.id }} }}
{cancel}"
    )
}

/// The operation that takes back what was made.
fn cancel(Subject { entity, one, many, .. }: &Subject) -> String {
    format!(
        "  cancel_{one}:
    kind: state
    entity: {entity}
    steps:
      # Where it says no to a second one, say how: `answer: {{ already: … }}`; not where it says that it is too late.
      - {{ id: cancel, method: POST, path: \"/{many}/{{xref.{entity}}}/cancel\", body: {{}}, idempotency: safe }} # guess
"
    )
}

fn integration(name: &str, Subject { role, one, on, off, .. }: &Subject) -> String {
    let cancel = off.map(|off| {
        format!(
            "  - on: {off} # what it was sent and is not wanted any more
    do: {{ update: cancel_{one} }} # guess
"
        )
    });
    let cancel = cancel.unwrap_or_default();
    format!(
        "# A draft. What {name} says back comes in by `intake`: draft its mapping from samples, `orderhub mapping new {name}.status sample.json`.
orderhub: 1
integration: {name}
role: {}
connector: declared # the connector.yaml beside this file
deliver:
  - on: {on} # guess
    do: {{ create: create_{one}, update: none }} # made once; guess
    with: {one}
{cancel}",
        role.as_str()
    )
}

fn mapping(name: &str, Subject { entity, one, fields, .. }: &Subject) -> String {
    format!(
        "# A draft: what {name} is sent. What ends with `guess` was guessed; `orderhub explain FIELD` tells what a hub field is.
orderhub: 1
mapping: {name}.{one}
entity: {entity}
fields:
{fields}cases:
  - {{ why: \"what the draft sends\", source: constructed, hub: samples/{one}.hub.json, out: samples/{one}.out.json }}
"
    )
}
