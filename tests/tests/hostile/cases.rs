//! The hostile files, made as they are needed.

const HEAD: &str = "orderhub: 1\nmapping: shop.order\nkey: id\n";
const GROUP: &str = "orderhub: 1\nsnippet: common/a\n";

/// One hostile folder: why, its files besides a small integration, and what is told: `code file:line`.
pub(crate) struct Case {
    pub(crate) why: &'static str,
    pub(crate) files: Vec<(&'static str, Vec<u8>)>,
    pub(crate) told: &'static [&'static str],
}

pub(crate) fn case(
    why: &'static str,
    files: impl IntoIterator<Item = (&'static str, String)>,
    told: &'static [&'static str],
) -> Case {
    let files = files.into_iter().map(|(path, text)| (path, text.into_bytes())).collect();
    Case { why, files, told }
}

pub(crate) fn order(rules: &str) -> (&'static str, String) {
    ("shop/order.yaml", format!("{HEAD}fields:\n{rules}"))
}

/// Lists of aliases of lists of aliases.
fn aliases() -> String {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let before = vec![format!("*a{}", level - 1); 10].join(", ");
        text.push_str(&format!("a{level}: &a{level} [{before}]\n"));
    }
    text
}

/// Names that each stand for ten of the one before.
fn names_of_names() -> String {
    let mut uses = "use:\n  u0: [trim, trim]\n".to_owned();
    for level in 1..12 {
        let before = vec![format!("u{}", level - 1); 10].join(", ");
        uses.push_str(&format!("  u{level}: [{before}]\n"));
    }
    format!("{HEAD}{uses}fields: [{{ hub: order_no, system: a, as: u11 }}]\n")
}

/// Groups that each include the one before many times.
fn groups_of_groups() -> Vec<(&'static str, String)> {
    let paths = ["common/a.yaml", "common/b.yaml", "common/c.yaml", "common/d.yaml"];
    let names = ["common/a", "common/b", "common/c", "common/d"];
    let mut files = Vec::new();
    for (number, (path, name)) in paths.into_iter().zip(names).enumerate() {
        let before = number.checked_sub(1).map(|before| names[before]);
        let entry = before.map_or("{ hub: order_no, system: a }".to_owned(), |before| {
            format!("{{ include: {before} }}")
        });
        let fields = format!("  - {entry}\n").repeat(60);
        files.push((path, format!("orderhub: 1\nsnippet: {name}\nfields:\n{fields}")));
    }
    files.push(order("  - { include: common/d }\n"));
    files
}

fn deep(open: &str, close: &str) -> String {
    format!("{HEAD}fields: {}{}\n", open.repeat(10_000), close.repeat(10_000))
}

fn many(rule: impl Fn(usize) -> String, count: usize) -> String {
    (0..count).map(|number| format!("  - {}\n", rule(number))).collect()
}

fn rows(count: usize) -> String {
    let rows: String = (0..count).map(|row| format!("{row},a\n")).collect();
    format!("theirs,ours\n{rows}")
}

/// Groups that do nothing but include a long one.
fn includers() -> impl Iterator<Item = (&'static str, String)> {
    (0..2_000).map(|number| {
        let name = format!("common/i{number}");
        let text = format!("orderhub: 1\nsnippet: {name}\nfields: [{{ include: common/a }}]\n");
        (&*Box::leak(format!("{name}.yaml").into_boxed_str()), text)
    })
}

/// 80 columns, 25,000 rows.
fn wide() -> String {
    let line = |cell: &dyn Fn(usize) -> String| (0..80).map(cell).collect::<Vec<_>>().join(",");
    let rows: String = (0..25_000).map(|row| line(&|_| row.to_string()) + "\n").collect();
    let mut text = line(&|column| format!("c{column}")) + "\n" + rows.as_str();
    text.truncate(8 << 20);
    let whole = text.rfind('\n').map_or(0, |end| end + 1);
    text.truncate(whole);
    text
}

fn table(file: &str) -> (&'static str, String) {
    order(&format!(
        "  - {{ hub: customer.tier, system: a, as: {{ table: {{ file: {file} }} }} }}\n"
    ))
}

pub(crate) fn of_yaml() -> Vec<Case> {
    let file = |text: String| [("shop/order.yaml", text)];
    vec![
        case("an alias bomb", file(aliases()), &["Y0006 mappings/shop/order.yaml:"]),
        case("10,000 lists deep", file(deep("[", "]")), &["Y0007 mappings/shop/order.yaml:4"]),
        case("10,000 maps deep", file(deep("{a: ", "}")), &["Y0007 mappings/shop/order.yaml:4"]),
        case(
            "10,000 dashes deep",
            file("- ".repeat(10_000)),
            &["Y0007 mappings/shop/order.yaml:1"],
        ),
        case(
            "50 MB",
            file(format!("{HEAD}# {}\n", "x".repeat(50 << 20))),
            &["Y0005 mappings/shop/order.yaml"],
        ),
        case(
            "a sample of 50 MB",
            [("shop/samples/huge.json", format!("[{}1]", "1,".repeat(25 << 20)))],
            &["Y0005 mappings/shop/samples/huge.json"],
        ),
        case(
            "a tab, where blanks belong",
            file(format!("{HEAD}fields:\n\t- {{ hub: order_no, system: a }}\n")),
            &["Y0002 mappings/shop/order.yaml:5:1"],
        ),
        case(
            "a byte-order mark and other line ends are no part of anything",
            file(
                format!("\u{feff}{HEAD}fields:\n  - {{ hub: order_nu, system: a }}\n")
                    .replace('\n', "\r\n"),
            ),
            &["M0107 mappings/shop/order.yaml:5:12"],
        ),
        case(
            "the same key 30,000 times",
            file(format!("{HEAD}fields: []\n{}", "none: 1\n".repeat(30_000))),
            &["Y0003 mappings/shop/order.yaml:6:1"],
        ),
        case(
            "30,000 keys that differ in the case of letters only, or mean nothing",
            file(format!(
                "{HEAD}fields: []\nFields: []\n{}",
                (0..30_000).map(|n| format!("k{n}: 1\n")).collect::<String>()
            )),
            &["L0001 mappings/shop/order.yaml:5:1"],
        ),
        Case {
            why: "bytes that are no text",
            files: vec![("shop/order.yaml", [HEAD.as_bytes(), b"fields: \xff\xfe"].concat())],
            told: &["Y0012 mappings/shop/order.yaml:4:9"],
        },
    ]
}

pub(crate) fn of_rules() -> Vec<Case> {
    vec![
        case(
            "25,000 rules",
            [order(&many(|n| format!("{{ hub: ext.a{n}, system: b{n} }}"), 25_000))],
            &["M0405 mappings/shop/order.yaml:"],
        ),
        case(
            "2,400 fields that the hub has not",
            [order(&many(|n| format!("{{ hub: custmoer.nmae{n}, system: b{n} }}"), 2_400))],
            &["M0107 mappings/shop/order.yaml:5:12"],
        ),
        case(
            "a rule with 60,000 paths",
            [order(&format!(
                "  - {{ hub: order_no, system: [{}] }}\n",
                (0..60_000).map(|n| format!("p{n}")).collect::<Vec<_>>().join(", ")
            ))],
            &["M0405 mappings/shop/order.yaml:5:"],
        ),
        case(
            "2,000 rules with 50,000 values of null",
            [(
                "shop/order.yaml",
                format!(
                    "{HEAD}none: [{}]\nfields:\n{}",
                    vec!["x"; 50_000].join(","),
                    many(|n| format!("{{ hub: ext.a{n}, system: b{n} }}"), 2_000)
                ),
            )],
            &["M0002 mappings/shop/order.yaml:4:7"],
        ),
    ]
}

pub(crate) fn of_names() -> Vec<Case> {
    vec![
        case(
            "names that stand for names",
            [("shop/order.yaml", names_of_names())],
            &["M0201 mappings/shop/order.yaml:"],
        ),
        case(
            "20,000 names, and a thousand that are none of them",
            [(
                "shop/order.yaml",
                format!(
                    "{HEAD}use:\n{}fields:\n{}",
                    (0..20_000).map(|n| format!("  name{n}: trim\n")).collect::<String>(),
                    many(|n| format!("{{ hub: ext.a{n}, system: b, as: nmae{n} }}"), 1_000)
                ),
            )],
            &["M0201 mappings/shop/order.yaml:"],
        ),
        case(
            "an expression that is too long",
            [order(&format!(
                "  - {{ hub: ext.a, with: {{ a: a }}, expr: \"{}\" }}\n",
                vec!["a"; 5_000].join(" + ")
            ))],
            &["L0006 mappings/shop/order.yaml:5"],
        ),
        case(
            "an expression that is too deep",
            [order(&format!(
                "  - {{ hub: ext.a, with: {{ a: a }}, expr: \"{}a{}\" }}\n",
                "(".repeat(2_000),
                ")".repeat(2_000)
            ))],
            &["L0006 mappings/shop/order.yaml:5"],
        ),
        case(
            "25,000 intakes",
            [(
                "shop/integration.yaml",
                format!(
                    "orderhub: 1\nintegration: shop\nrole: channel\nconnector: declared\nintake:\n{}",
                    many(|_| "{ message: o, ordering: queue }".to_owned(), 25_000)
                ),
            )],
            &["M0302 mappings/shop/integration.yaml:506"],
        ),
    ]
}

pub(crate) fn of_groups() -> Vec<Case> {
    let group = |fields: &str| ("common/a.yaml", format!("{GROUP}fields: [{fields}]\n"));
    vec![
        case(
            "a group that includes itself",
            [group("{ include: common/a }"), order("  - { include: common/a }\n")],
            &["M0402 mappings/common/a.yaml:3:21"],
        ),
        case(
            "two groups that include each other",
            [
                group("{ include: common/b }"),
                (
                    "common/b.yaml",
                    "orderhub: 1\nsnippet: common/b\nfields: [{ include: common/a }]\n".to_owned(),
                ),
                order("  - { include: common/b }\n"),
            ],
            &["M0402 mappings/common/b.yaml:3:21"],
        ),
        case(
            "a long group that 2,000 files include",
            std::iter::once((
                "common/a.yaml",
                format!(
                    "{GROUP}fields:\n{}",
                    many(|n| format!("{{ hub: ext.a{n}, system: b }}"), 2_000)
                ),
            ))
            .chain(includers()),
            &["M0405 mappings/common/"],
        ),
        case("groups of groups of groups", groups_of_groups(), &["M0405 mappings/common/b.yaml:"]),
        case(
            "paths out of the folder",
            [order(
                "  - { include: ../../etc/passwd }\n  - { include: /etc/passwd }\n  \
                 - { hub: customer.tier, system: a, as: { table: { file: ../../../etc/passwd } } }\n",
            )],
            &[
                "M0403 mappings/shop/order.yaml:5:16",
                "M0403 mappings/shop/order.yaml:6:16",
                "M0403 mappings/shop/order.yaml:7:59",
            ],
        ),
    ]
}

pub(crate) fn of_tables() -> Vec<Case> {
    vec![
        case(
            "a table of which every two columns are used",
            [
                ("shop/tables/t.csv", wide()),
                order(&many(
                    |n| {
                        let (from, to) = (n / 40, 40 + n % 40);
                        format!(
                            "{{ hub: ext.a{n}, system: b, as: {{ table: {{ file: tables/t.csv, from: c{from}, to: c{to} }} }} }}"
                        )
                    },
                    1_600,
                )),
            ],
            &["M0413 mappings/shop/tables/t.csv:1:1"],
        ),
        case(
            "a table with a million rows",
            [("shop/tables/t.csv", rows(1_000_000)), table("tables/t.csv")],
            &["Y0005 mappings/shop/tables/t.csv"],
        ),
        case(
            "a table with 200,000 rows",
            [("shop/tables/t.csv", rows(200_000)), table("tables/t.csv")],
            &["M0413 mappings/shop/tables/t.csv:100002:1"],
        ),
        case(
            "a table whose every row is the same",
            [
                ("shop/tables/t.csv", format!("a,b\n{}", "1,2\n".repeat(90_000))),
                table("tables/t.csv"),
            ],
            &["M0412 mappings/shop/tables/t.csv:3:1"],
        ),
        case(
            "a table whose quote closes nowhere",
            [
                ("shop/tables/t.csv", format!("a,b\n\"{}", "1,2\n".repeat(90_000))),
                table("tables/t.csv"),
            ],
            &["M0412 mappings/shop/tables/t.csv:2:1"],
        ),
        case(
            "a table of 7 MB in one row",
            [
                ("shop/tables/t.csv", format!("a,b\n{}", "1,".repeat(3_500_000))),
                table("tables/t.csv"),
            ],
            &["M0412 mappings/shop/tables/t.csv:2:201"],
        ),
    ]
}
