//! The codes of findings in connector files, each with what `orderhub explain` prints.
//!
//! C0010 said that a key of the language was not in the program yet; none is left out now, and the number is not used again.
//!
//! **Invariant:** as in [`orderhub_lang::codes`]. Test: `every_code_is_shown_by_its_own_example`.

use orderhub_lang::codes::Explanation;

/// Another version of the language.
pub const VERSION: &str = "C0001";
/// Not a duration.
pub const DURATION: &str = "C0002";
/// Not a rate.
pub const RATE: &str = "C0003";
/// Unknown method or kind.
pub const CHOICE: &str = "C0004";
/// A step that writes must say its idempotency.
pub const IDEMPOTENCY: &str = "C0005";
/// `find_first` must name an earlier safe step.
pub const FIND_FIRST: &str = "C0006";
/// A step between would act again.
pub const UNGUARDED: &str = "C0007";
/// A name given twice.
pub const TWICE: &str = "C0008";
/// No such limit.
pub const LIMIT: &str = "C0009";
/// A path that does not fit.
pub const ADDRESS: &str = "C0011";
/// A header that cannot be set.
pub const HEADER: &str = "C0012";
/// An operation that contradicts itself.
pub const OPERATION: &str = "C0013";
/// Webhooks without verification.
pub const VERIFY: &str = "C0014";
/// A place that cannot be set.
pub const PUT: &str = "C0015";
/// A value bare inside quotes.
pub const BARE: &str = "C0016";
/// No steps.
pub const STEPS: &str = "C0017";
/// A login that gives nothing, or whose gift nobody sends.
pub const LOGIN: &str = "C0018";
/// A GraphQL document that is not there, not sound, or asked otherwise than it says.
pub const GRAPHQL: &str = "C0019";
/// A page that cannot be confirmed.
pub const ACK: &str = "C0020";
/// What no step keeps.
pub const NOT_SAVED: &str = "C0021";

/// Every code of this crate.
pub const CODES: &[Explanation] = &[
    Explanation {
        code: VERSION,
        title: "another version of the language",
        text: "Every file says the version of the language that it is written in: `orderhub: 1`.",
        wrong: "orderhub: 2\n\
                connector: wms\n\
                base: \"{base_url}\"\n\
                operations:\n\
                \x20 put_job: { kind: state, steps: [{ id: put, method: PUT, path: /job, body: \"{doc}\", idempotency: safe }] }\n",
        right: "orderhub: 1\n\
                connector: wms\n\
                base: \"{base_url}\"\n\
                operations:\n\
                \x20 put_job: { kind: state, steps: [{ id: put, method: PUT, path: /job, body: \"{doc}\", idempotency: safe }] }\n",
    },
    Explanation {
        code: DURATION,
        title: "not a duration",
        text: "Durations are a whole number and a unit: `500ms`, `10s`, `5m`, `1h`, `7d`. A call may take 300 s at most, and \
               more than no time; a job is asked for at most once a second; `settles:` is more than no time, too.",
        wrong: "timeout: 10 seconds\n",
        right: "timeout: 10s\n",
    },
    Explanation {
        code: RATE,
        title: "not a rate",
        text: "A rate is so many calls in a time: `10/s`, `100/min`, `1/3m`.",
        wrong: "limits: { default: { rate: 10 per second } }\n",
        right: "limits: { default: { rate: 10/s } }\n",
    },
    Explanation {
        code: CHOICE,
        title: "not one of the choices",
        text: "One of a few words is needed here; the message names them.",
        wrong: "- { id: put, method: SEND, path: /jobs, body: \"{doc}\", idempotency: safe }",
        right: "- { id: put, method: PUT, path: /jobs, body: \"{doc}\", idempotency: safe }",
    },
    Explanation {
        code: IDEMPOTENCY,
        title: "a step that writes must say its idempotency",
        text: "When an answer is lost, nobody knows whether the system acted. `safe`: the step may be sent \
               again (the system honours our key, or repeating changes nothing). `{ find_first: step, settles: \
               30s }`: look with that step first. `unsafe`: a person must look. GET and HEAD are safe.",
        wrong: "- { id: make, method: POST, path: /jobs, body: \"{doc}\" }",
        right: "- { id: make, method: POST, path: /jobs, body: \"{doc}\", headers: { Idempotency-Key: \"{key}\" }, idempotency: safe }",
    },
    Explanation {
        code: FIND_FIRST,
        title: "`find_first` must name an earlier safe step",
        text: "After a lost answer the operation resumes at the named step, so it must come earlier and be \
               safe to repeat. What it keeps tells whether the thing is there: an empty list says no, an answer of \
               another shape says nothing, and is asked for again. A step whose every save has a value of any answer at \
               all (`has(…)`, `?? ()` or another fallback, `status`, `body` itself) would take a gateway's page for a no, \
               and the thing would be made twice; so would one whose `none:` asks for what is missing (`!has(body.sale)`). \
               The same holds for each name that the `when:` of the step that makes asks for: of an element without an id \
               `id: body.items.0.id ?? ()` keeps nothing, whatever is kept beside it. Only a part of what another save names may \
               be missing, `label: body.label.id ?? ()` beside `id: body.id`. \
               Keep what is looked for by its path alone; where the system does not answer with an empty list, say how it \
               says no: `answer: { none: body.code == 'NONE' }`.",
        wrong: "- { id: make, method: POST, path: /jobs, body: \"{doc}\", idempotency: { find_first: find } }\n",
        right: "- { id: find, method: GET, path: /jobs, query: { ref: \"{doc.ref}\" }, save: { id: body.items.one.id } }\n\
                - { id: make, when: \"memo.id == ()\", method: POST, path: /jobs, body: \"{doc}\", idempotency: { find_first: find } }\n",
    },
    Explanation {
        code: UNGUARDED,
        title: "a step between would act again",
        text: "When the operation resumes at the step that `find_first` names, every step between runs \
               again. One that is not safe needs a `when:` that is false once it is done, such as `memo.id == \
               ()`.",
        wrong: "- { id: find, method: GET, path: /jobs, query: { ref: \"{doc.ref}\" }, save: { id: body.items.one.id } }\n\
                - { id: reserve, method: POST, path: /stock, idempotency: unsafe }\n\
                - { id: make, when: \"memo.id == ()\", method: POST, path: /jobs, body: \"{doc}\", idempotency: { find_first: find } }\n",
        right: "- { id: find, method: GET, path: /jobs, query: { ref: \"{doc.ref}\" }, save: { id: body.items.one.id } }\n\
                - { id: reserve, when: \"memo.stock == ()\", method: POST, path: /stock, idempotency: unsafe, save: { stock: body.id } }\n\
                - { id: make, when: \"memo.id == ()\", method: POST, path: /jobs, body: \"{doc}\", idempotency: { find_first: find } }\n",
    },
    Explanation {
        code: TWICE,
        title: "a name given twice",
        text: "Steps of an operation have different ids.",
        wrong: "- { id: get, method: GET, path: /jobs }\n- { id: get, method: GET, path: /stock }\n",
        right: "- { id: jobs, method: GET, path: /jobs }\n\
                - { id: stock, method: GET, path: /stock }\n",
    },
    Explanation {
        code: LIMIT,
        title: "no such limit",
        text: "`limit:` names one of the `limits:` of the file.",
        wrong: "limits: { parcels: { rate: 1/s } }\n\
                operations:\n\
                \x20 track: { kind: read, limit: parcel, steps: [{ id: get, method: GET, path: /parcels }], document: body }\n",
        right: "limits: { parcels: { rate: 1/s } }\n\
                operations:\n\
                \x20 track: { kind: read, limit: parcels, steps: [{ id: get, method: GET, path: /parcels }], document: body }\n",
    },
    Explanation {
        code: ADDRESS,
        title: "a path that does not fit",
        text: "A step's path begins with `/` and is relative to `base`, which is an address with its `https://`. Parameters \
               stand in `query:`, where they are escaped; other characters than those of a path cannot stand in it. What \
               changes from call to call stands in braces: `/jobs/{doc.ref}`.",
        wrong: "- { id: find, method: GET, path: \"/jobs?ref={doc.ref}\" }",
        right: "- { id: find, method: GET, path: /jobs, query: { ref: \"{doc.ref}\" } }",
    },
    Explanation {
        code: HEADER,
        title: "a header that cannot be set",
        text: "A header's name has letters, digits and hyphens. Host, length and connection are the transport's.",
        wrong: "- { id: find, method: GET, path: /jobs, headers: { \"Api Key\": \"{settings.account}\" } }",
        right: "- { id: find, method: GET, path: /jobs, headers: { Api-Key: \"{settings.account}\" } }",
    },
    Explanation {
        code: OPERATION,
        title: "an operation that contradicts itself",
        text: "A read has only safe steps, and makes nothing; what `creates: true` says needs an `entity:`; \
               `document:` and `documents:` are for reads, of which there is one. What `reply.xrefs` gives as the id of the \
               `entity:` is an id: no count, sum, or truth.",
        wrong: "operations:\n\
                \x20 stock: { kind: read, steps: [{ id: get, method: GET, path: /stock }] }\n",
        right: "operations:\n\
                \x20 stock: { kind: read, steps: [{ id: get, method: GET, path: /stock }], document: body }\n",
    },
    Explanation {
        code: VERIFY,
        title: "webhooks without verification",
        text: "Anyone can send to an address. Say how the sender proves itself: `verify: { got: \
               headers.x-signature, want: \"{base64(hmac_sha256(secret.webhook, raw))}\" }`; a fixed token is `want: \
               \"{secret.token}\"`. `verify: none` accepts everybody, for networks that are closed otherwise.",
        wrong: "webhooks: { kind: headers.x-topic, document: body }\n",
        right: "webhooks: { verify: { got: headers.x-token, want: \"{secret.token}\" }, kind: headers.x-topic, document: body }\n",
    },
    Explanation {
        code: PUT,
        title: "a place that cannot be set",
        text: "`put:` sets keys and places of lists (`a.b`, `lines.0.x`) in a body that is an object. `*` is every element: a list \
               that is set there, such as what a step over the lines has saved, gives one to each in order.",
        wrong: "- { id: put, method: PUT, path: /jobs, body: \"{doc}\", put: { \"lines(no=1).site\": A }, idempotency: safe }",
        right: "- { id: put, method: PUT, path: /jobs, body: \"{doc}\", put: { lines.*.site: A }, idempotency: safe }",
    },
    Explanation {
        code: BARE,
        title: "a value bare inside quotes",
        text: "A value that is put between quotes of another language could close them. Write `{quote(x, \
               \"'\")}` without quotes around it.",
        wrong: "- { id: find, method: GET, path: /jobs, query: { filter: \"name='{doc.name}'\" } }",
        right: "- { id: find, method: GET, path: /jobs, query: { filter: \"name={quote(doc.name, '\\\"')}\" } }",
    },
    Explanation {
        code: STEPS,
        title: "no steps",
        text: "An operation is a list of at least one step, and at most 50.",
        wrong: "operations:\n  stock: { kind: read, steps: [], document: body }\n",
        right: "operations:\n\
                \x20 stock: { kind: read, steps: [{ id: get, method: GET, path: /stock }], document: body }\n",
    },
    Explanation {
        code: LOGIN,
        title: "a login that leads nowhere",
        text: "A login keeps what its answer gives (`save`), and calls send it as `session.<name>`. What `oauth2` gives \
               is `session.token`, sent as `Authorization: Bearer …` unless the file says otherwise.",
        wrong: "auth:\n\
                \x20 session: { url: \"{base_url}/login\", form: { password: \"{secret.password}\" }, save: { id: body.id } }\n\
                \x20 headers: { X-Session: \"{session.token}\" }\n",
        right: "auth:\n\
                \x20 session: { url: \"{base_url}/login\", form: { password: \"{secret.password}\" }, save: { id: body.id } }\n\
                \x20 headers: { X-Session: \"{session.id}\" }\n",
    },
    Explanation {
        code: GRAPHQL,
        title: "a GraphQL document that does not fit",
        text: "A document stands in a file of its own beside `connector.yaml` and has one operation. What varies goes \
               through its variables: `variables:` gives those that it declares, and all that it needs.",
        wrong: "- { id: get, method: POST, path: /graphql, idempotency: safe, graphql: orders.graphql }\n\
                \x20 # no file orders.graphql beside it\n",
        right: "- { id: get, method: POST, path: /graphql, idempotency: safe, body: { query: \"{{ orders {{ id }} }}\" } }\n\
                \x20 # or a file orders.graphql beside it\n",
    },
    Explanation {
        code: ACK,
        title: "a page that cannot be confirmed",
        text: "`ack:` names the operation that tells the system that a page is stored here. It is called after the \
               commit, and again where its answer was lost, so that its steps are `safe`; what it asks for as `args:` \
               is given to it.",
        wrong: "operations:\n\
                \x20 orders: { kind: read, steps: [{ id: page, method: GET, path: /queue }], documents: body.items, ack: { do: done } }\n\
                \x20 done: { kind: fact, args: [ids], steps: [{ id: done, method: POST, path: /queue/done, body: { ids: \"{args.ids}\" }, idempotency: safe }] }\n",
        right: "operations:\n\
                \x20 orders: { kind: read, steps: [{ id: page, method: GET, path: /queue }], documents: body.items, ack: { do: done, args: { ids: body.items.*.id } } }\n\
                \x20 done: { kind: fact, args: [ids], steps: [{ id: done, method: POST, path: /queue/done, body: { ids: \"{args.ids}\" }, idempotency: safe }] }\n",
    },
    Explanation {
        code: NOT_SAVED,
        title: "read, and saved by no step",
        text: "`memo.x`, and `mine.x` of an element, is what a step of the same operation keeps of its answer with \
               `save: { x: … }`. What none saves is never there: a reference that is read from it is never bound, and the \
               hub would not know again what it made. The hint names the nearest one that is saved.",
        wrong: "operations:\n\
                \x20 put_job:\n\
                \x20   kind: state\n\
                \x20   steps: [{ id: put, method: PUT, path: /job, body: \"{doc}\", idempotency: safe, save: { job: body.id } }]\n\
                \x20   reply: { xrefs: { fulfilment: memo.jobb } }\n",
        right: "operations:\n\
                \x20 put_job:\n\
                \x20   kind: state\n\
                \x20   steps: [{ id: put, method: PUT, path: /job, body: \"{doc}\", idempotency: safe, save: { job: body.id } }]\n\
                \x20   reply: { xrefs: { fulfilment: memo.job } }\n",
    },
];
