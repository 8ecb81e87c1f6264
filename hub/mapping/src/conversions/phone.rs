//! `phone: { country: DE }`, `phone: { country: /address.country }`: a telephone number in the form of
//! E.164, `+4930123456`, both ways. `out: national` writes numbers of that country as they are dialled in it,
//! `030123456`, and others as they are.
//!
//! `country` is a code of ISO 3166 or the path of one (`/country` of the document, `^country` beside the number),
//! and says how a number without `+` is meant: its
//! trunk prefix goes, the calling code comes. What is no number that can be told for certain (letters, an
//! extension, too few digits, no country) stays as it is: an order does not fail for what a customer typed.
//!
//! **Invariant:** a number in the form of E.164 is never changed. Test: `numbers_are_written_as_e164_says`.

use orderhub_lang::path::Root;
use orderhub_lang::yaml::Node;

use super::{Beside, Conversion, Law, Options, Put, Target, Type, text};
use crate::cell::{Cell, Trouble};
use crate::quote::Quote;

/// Digits of a number with its calling code: E.164 has at most 15, no country fewer than 7.
const DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// Country, calling code, and behind `/` the trunk prefix of national numbers. Sources: ITU-T E.164 list of
/// assigned country codes, and the national numbering plans that the ITU publishes, as of 2026.
const PLANS: &str = "AC247 AD376 AE971/0 AF93/0 AG1/1 AI1/1 AL355/0 AM374/0 AO244 AR54/0 AS1/1 AT43/0 \
    AU61/0 AW297 AX358/0 AZ994/0 BA387/0 BB1/1 BD880/0 BE32/0 BF226 BG359/0 BH973 BI257 BJ229 BL590/0 \
    BM1/1 BN673 BO591/0 BQ599 BR55/0 BS1/1 BT975 BW267 BY375/8 BZ501 CA1/1 CC61/0 CD243/0 CF236 CG242 \
    CH41/0 CI225 CK682 CL56 CM237 CN86/0 CO57 CR506 CU53/0 CV238 CW599 CX61/0 CY357 CZ420 DE49/0 DJ253 \
    DK45 DM1/1 DO1/1 DZ213/0 EC593/0 EE372 EG20/0 EH212/0 ER291/0 ES34 ET251/0 FI358/0 FJ679 FK500 FM691 \
    FO298 FR33/0 GA241 GB44/0 GD1/1 GE995/0 GF594/0 GG44/0 GH233/0 GI350 GL299 GM220 GN224 GP590/0 GQ240 \
    GR30 GT502 GU1/1 GW245 GY592 HK852 HN504 HR385/0 HT509 HU36/06 ID62/0 IE353/0 IL972/0 IM44/0 IN91/0 \
    IO246 IQ964/0 IR98/0 IS354 IT39 JE44/0 JM1/1 JO962/0 JP81/0 KE254/0 KG996/0 KH855/0 KI686 KM269 \
    KN1/1 KP850/0 KR82/0 KW965 KY1/1 KZ7/8 LA856/0 LB961/0 LC1/1 LI423 LK94/0 LR231/0 LS266 LT370/0 LU352 \
    LV371 LY218/0 MA212/0 MC377 MD373/0 ME382/0 MF590/0 MG261/0 MH692/1 MK389/0 ML223 MM95/0 MN976/0 \
    MO853 MP1/1 MQ596/0 MR222 MS1/1 MT356 MU230 MV960 MW265/0 MX52 MY60/0 MZ258 NA264/0 NC687 NE227 \
    NF672 NG234/0 NI505 NL31/0 NO47 NP977/0 NR674 NU683 NZ64/0 OM968 PA507 PE51/0 PF689 PG675 PH63/0 \
    PK92/0 PL48 PM508/0 PR1/1 PS970/0 PT351 PW680 PY595/0 QA974 RE262/0 RO40/0 RS381/0 RU7/8 RW250/0 \
    SA966/0 SB677 SC248 SD249/0 SE46/0 SG65 SH290 SI386/0 SJ47 SK421/0 SL232/0 SM378 SN221 SO252/0 SR597 \
    SS211/0 ST239 SV503 SX1/1 SY963/0 SZ268 TA290 TC1/1 TD235 TG228 TH66/0 TJ992 TK690 TL670 TM993/8 \
    TN216 TO676 TR90/0 TT1/1 TV688 TW886/0 TZ255/0 UA380/0 UG256/0 US1/1 UY598/0 UZ998 VA39 VC1/1 VE58/0 \
    VG1/1 VI1/1 VN84/0 VU678 WF681 WS685 XK383/0 YE967/0 YT262/0 ZA27/0 ZM260/0 ZW263/0";

#[derive(Debug)]
pub(crate) struct Phone {
    country: Option<&'static Plan>,
    national: bool,
    beside: Vec<Beside>,
}

/// How numbers of a country are written within it.
#[derive(Debug, PartialEq, Eq)]
struct Plan {
    code: &'static str,
    trunk: &'static str,
}

static ALL: std::sync::LazyLock<Vec<(&'static str, Plan)>> = std::sync::LazyLock::new(|| {
    let plan = |entry: &'static str| {
        let (country, rest) = entry.split_at_checked(2)?;
        let (code, trunk) = rest.split_once('/').unwrap_or((rest, ""));
        Some((country, Plan { code, trunk }))
    };
    PLANS.split_whitespace().filter_map(plan).collect()
});

/// The plan of a country, whatever the case of its code.
fn plan(country: &str) -> Option<&'static Plan> {
    let country = country.trim().to_ascii_uppercase();
    let found = ALL.binary_search_by_key(&country.as_str(), |(known, _)| known).ok()?;
    ALL.get(found).map(|(_, plan)| plan)
}

impl Phone {
    pub(crate) fn read(node: &Node, options: &mut Options<'_>) -> Option<Box<dyn Conversion>> {
        if node.is_null() {
            return Some(Box::new(Self { country: None, national: false, beside: Vec::new() }));
        }
        let mut fields = options.fields(node, "phone")?;
        let country = fields.required("country", options.findings);
        let out = fields.optional("out");
        fields.finish(options.findings);
        let national = match out {
            Some(node) => options.word(node, &[("e164", false), ("national", true)])?,
            None => false,
        };
        let country = country?;
        let code = country
            .as_text()
            .filter(|text| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase()));
        let Some(code) = code else {
            let path = options.path(country)?;
            if path.root == Root::Here {
                let why = format!("nothing stands below a number, where this path begins: ^{path}");
                options.wrong(country, &why);
                return None;
            }
            if national {
                let why = "which numbers are national is known of one country: country: CN";
                options.wrong(country, why);
                return None;
            }
            let beside = vec![Beside { path }];
            return Some(Box::new(Self { country: None, national, beside }));
        };
        let plan = plan(code);
        if plan.is_none() {
            options.wrong(country, "no country of ISO 3166 that has a calling code");
        }
        Some(Box::new(Self { country: Some(plan?), national, beside: Vec::new() }))
    }

    fn written<'a>(&self, cell: &Cell<'a>, beside: &[Cell<'_>]) -> Result<Cell<'a>, Trouble> {
        let text = cell.scalar().ok_or_else(|| Trouble::wrong_type(cell, "a text"))?;
        let given = beside.first().and_then(Cell::scalar).and_then(|country| plan(&country));
        Ok(match e164(&text, self.country.or(given)) {
            Some(number) => Cell::text(number),
            None => Cell::Text(text),
        })
    }
}

/// A number in the form of E.164 as it is dialled in its country; `None`: it is of another one.
fn national(number: &str, plan: &Plan) -> Option<String> {
    let own = number.strip_prefix('+')?.strip_prefix(plan.code)?;
    // North America writes ten digits, and Chinese mobile numbers have no trunk prefix.
    let mobile = plan.code == "86" && own.len() == 11 && own.starts_with('1');
    let trunk = if plan.code == "1" || mobile { "" } else { plan.trunk };
    let dialled = format!("{trunk}{own}");
    // Only what is read as the same number again.
    (e164(&dialled, Some(plan)).as_deref() == Some(number)).then_some(dialled)
}

/// The number in the form of E.164; `None`: it cannot be told.
fn e164(text: &str, plan: Option<&Plan>) -> Option<String> {
    let text = text.trim();
    let text = text.strip_prefix("tel:").unwrap_or(text).replace("(0)", "");
    let mut digits = String::with_capacity(16);
    let mut plus = false;
    for letter in text.chars() {
        match letter {
            '0'..='9' => digits.push(letter),
            '０'..='９' => digits.push(char::from_digit(u32::from(letter) - 0xff10, 10)?),
            '+' | '＋' if digits.is_empty() && !plus => plus = true,
            ' ' | '\u{a0}' | '\u{202f}' | '-' | '‐' | '–' | '.' | '/' | '(' | ')' => {}
            _ => return None,
        }
    }
    let abroad = match plan.map(|plan| plan.code) {
        Some("1") => "011",
        Some(_) | None => "00",
    };
    let number = match (plus, digits.strip_prefix(abroad), plan) {
        (true, _, _) => digits,
        (false, Some(rest), _) => rest.to_owned(),
        (false, None, Some(plan)) => {
            let own = digits.strip_prefix(plan.trunk).unwrap_or(&digits);
            // North America has ten digits, and none of its areas begins with 0 or 1.
            if plan.code == "1" && (own.len() != 10 || own.starts_with(['0', '1'])) {
                return None;
            }
            format!("{}{own}", plan.code)
        }
        (false, None, None) => return None,
    };
    let whole = DIGITS.contains(&number.len()) && !number.starts_with('0');
    whole.then(|| format!("+{number}"))
}

impl Conversion for Phone {
    fn name(&self) -> &'static str {
        "phone"
    }

    fn law(&self) -> Law {
        Law::Canonical("a number is written in the form of E.164")
    }

    fn gives(&self, from: Type) -> Result<Type, String> {
        text::scalar(from)
    }

    fn quote(&self) -> Quote {
        Quote::Hidden
    }

    fn beside(&self) -> &[Beside] {
        &self.beside
    }

    fn get<'a>(&self, cell: Cell<'a>, beside: &[Cell<'a>], _: Target) -> Result<Cell<'a>, Trouble> {
        self.written(&cell, beside)
    }

    fn put<'a>(&self, cell: Cell<'a>, _: Target) -> Result<Put<'a>, Trouble> {
        // The country stands in a field of its own: it is not written from here.
        let beside = vec![Cell::Absent; self.beside.len()];
        let main = self.written(&cell, &[])?;
        let plan = self.country.filter(|_| self.national);
        let dialled = plan.and_then(|plan| national(&main.scalar()?, plan));
        Ok(Put { main: dialled.map_or(main, Cell::text), beside: beside.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_e164_says() {
        for (country, text, number) in [
            ("DE", "030 / 123 456", Some("+4930123456")),
            ("DE", "+49 (0)30 123-456", Some("+4930123456")),
            ("DE", "0049 30 123456", Some("+4930123456")),
            ("DE", "+4930123456", Some("+4930123456")),
            ("DE", "+1 (212) 555-0100", Some("+12125550100")),
            ("US", "(212) 555-0100", Some("+12125550100")),
            ("US", "1-212-555-0100", Some("+12125550100")),
            ("US", "011 49 30 123456", Some("+4930123456")),
            ("US", "0049 40 123", None),
            ("US", "040 / 123 456", None),
            ("US", "1234567", None),
            ("CA", "555-0100", None),
            ("IT", "06 1234 5678", Some("+390612345678")),
            ("CN", "138 0013 8000", Some("+8613800138000")),
            ("CN", "010-6552 9988", Some("+861065529988")),
            ("HU", "06 1 234 5678", Some("+3612345678")),
            ("RU", "8 (495) 123-45-67", Some("+74951234567")),
            ("JP", "０３-1234-5678", Some("+81312345678")),
            ("", "tel:+86 10 6552 9988", Some("+861065529988")),
            ("", "030 123456", None),
            ("DE", "030 123 ext. 4", None),
            ("DE", "n/a", None),
            ("DE", "110", None),
            ("DE", "+49 1234 5678 9012 3456", None),
        ] {
            assert_eq!(e164(text, plan(country)).as_deref(), number, "{country} {text}");
            if let Some(number) = number {
                assert_eq!(e164(number, plan("FR")).as_deref(), Some(number), "it stays");
            }
        }
        assert!(ALL.is_sorted_by_key(|(country, _)| *country) && ALL.len() > 230);
        assert!(ALL.iter().all(|(_, plan)| plan.code.parse::<u16>().is_ok()));
    }
}
