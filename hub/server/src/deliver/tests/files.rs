//! The files that the systems of these tests are described by.

pub(super) const CONNECTOR: &str = r#"
orderhub: 1
connector: twin
base: "{base_url}"
AUTH
timeout: TIMEOUT
limits: { default: LIMIT, parcel: { by: doc.payment, rate: 1/2s, burst: 1 } }
operations:
  create_sale:
    kind: state
    entity: order
    creates: true
    steps:
      - { id: find, method: GET, path: /sales, idempotency: safe, save: { id: body.items.one.id } }
      - { id: create, when: "memo.id == ()", method: POST, path: /sales, headers: { X-Key: "{key}" }, body: { a: 1 }, idempotency: { find_first: find, settles: 1s }, save: { id: body.id } }
    reply: { xrefs: { order: memo.id } }
  create_unsafe:
    kind: state
    entity: order
    creates: true
    steps:
      - { id: create, method: POST, path: /sales, headers: { X-Key: "{key}" }, body: { a: 1 }, idempotency: unsafe, save: { id: body.id } }
    reply: { xrefs: { order: memo.id } }
  create_in_two:
    kind: state
    entity: order
    creates: true
    steps:
      - { id: party, method: POST, path: /parties, headers: { X-Key: "{key}" }, body: { a: 1 }, idempotency: unsafe, save: { party: body.id } }
      - { id: create, method: POST, path: /sales, headers: { X-Key: "{key}" }, body: { party: "{memo.party}" }, idempotency: unsafe, save: { id: body.id } }
    reply: { xrefs: { order: memo.id } }
  create_with_lines:
    kind: state
    entity: order
    creates: true
    steps:
      - { id: find, method: GET, path: /sales, idempotency: safe, save: { id: body.items.one.id } }
      - { id: create, when: "memo.id == ()", method: POST, path: /sales, body: { a: 1 }, idempotency: { find_first: find, settles: 100ms }, save: { id: body.id ?? () } }
      - { id: lines, each: [x, y], method: POST, path: "/lines/{item}", body: { a: 1 }, idempotency: unsafe }
    reply: { xrefs: { order: memo.id } }
  create_and_read:
    kind: state
    entity: order
    creates: true
    steps:
      - { id: create, method: POST, path: /sales, body: { a: 1 }, idempotency: unsafe, save: { id: body.id ?? () } }
      - { id: read, method: POST, path: /read, body: { a: 1 }, idempotency: safe }
    reply: { xrefs: { order: memo.id } }
  put:
    kind: state
    entity: order
    steps:
      - { id: put, method: POST, path: /put, headers: { X-Key: "{key}" }, body: { a: 1 }, idempotency: safe }
  tell:
    kind: fact
    entity: order
    steps:
      - { id: tell, method: POST, path: /tell, headers: { X-Key: "{key}" }, body: { a: 1 }, idempotency: safe }
  put_parcel:
    kind: state
    entity: order
    limit: parcel
    steps:
      - { id: put, method: POST, path: "/put/{doc.number}", headers: { X-Key: "{key}" }, body: { a: 1 }, idempotency: safe }
  put_changed:
    kind: state
    entity: order
    steps:
      - { id: put, method: POST, path: "/put/{doc.number}", headers: { X-Key: "{key}" }, body: "{doc}", idempotency: safe }
  put_changed_and_more:
    kind: state
    entity: order
    steps:
      - { id: put, method: POST, path: "/put/{doc.number}", headers: { X-Key: "{key}" }, body: "{doc}", put: { by: hub }, idempotency: safe }
  stock:
    kind: read
    args: [sku]
    steps:
      - { id: get, method: GET, path: "/stock/{args.sku}" }
    document: body
  peek:
    kind: read
    auth: { headers: { X-Token: another } }
    steps:
      - { id: get, method: GET, path: /peek }
    document: body
"#;

/// What `put_parcel` and those that send what changed send.
pub(super) const PARCEL: &str = r#"
orderhub: 1
mapping: sink.parcel
entity: order
key: number
fields:
  - { hub: order_no, system: number }
  - { hub: state.payment, system: payment }
"#;
