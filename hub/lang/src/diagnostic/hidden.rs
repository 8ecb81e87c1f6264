//! Characters that nobody sees: told apart, named, and made visible in reports.
//!
//! **Invariant:** no character of a file turns the direction of a report's text, moves the cursor, or is
//! there without being seen. Test: `a_file_cannot_steer_the_terminal`.

/// Whether a file may not have this character as it is: it has no width, or turns the direction of what
/// stands behind it. What joins letters of living scripts (U+200C, U+200D) may stand; for variation selectors see
/// [`chooses_form`].
pub fn is_hidden(letter: char) -> bool {
    match letter {
        '\t' | '\n' | '\r' => false,
        '\u{ad}'
        | '\u{34f}'
        | '\u{61c}'
        | '\u{115f}'
        | '\u{1160}'
        | '\u{17b4}'
        | '\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{200b}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{2028}'
        | '\u{2029}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}' => true,
        other => other.is_control(),
    }
}

/// Whether a variation selector stands behind what it chooses a form of: a pictograph, the digit of a key cap, an
/// ideograph, a letter of Mongolian. There a person sees which form it is.
pub fn chooses_form(letter: char, before: Option<char>, after: Option<char>) -> bool {
    let Some(before) = before else { return false };
    let ideograph = matches!(
        before,
        '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}'
    );
    let pictograph = matches!(
        before,
        '\u{a9}'
            | '\u{ae}'
            | '\u{203c}'
            | '\u{2049}'
            | '\u{2100}'..='\u{2bff}'
            | '\u{3030}'
            | '\u{303d}'
            | '\u{3297}'
            | '\u{3299}'
            | '\u{1f000}'..='\u{1faff}'
    );
    match letter {
        '\u{fe00}'..='\u{fe0f}' => pictograph || ideograph || after == Some('\u{20e3}'),
        '\u{e0100}'..='\u{e01ef}' => ideograph,
        '\u{180b}'..='\u{180d}' | '\u{180f}' => matches!(before, '\u{1820}'..='\u{18aa}'),
        _ => false,
    }
}

/// What the character is called, where it has come up before.
pub fn name(letter: char) -> &'static str {
    match letter {
        '\u{ad}' => "soft hyphen",
        '\u{200b}' => "zero width space",
        '\u{200e}' | '\u{200f}' | '\u{61c}' => "direction mark",
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => "turns the direction of the text",
        '\u{2028}' | '\u{2029}' => "line separator",
        '\u{2060}' => "word joiner",
        '\u{fe00}'..='\u{fe0f}'
        | '\u{e0100}'..='\u{e01ef}'
        | '\u{180b}'..='\u{180d}'
        | '\u{180f}' => "variation selector",
        '\u{feff}' => "byte order mark",
        other if other.is_control() => "control character",
        _ => "without a width",
    }
}

/// A text as a report shows it: a tab is one blank; what nobody sees, and blanks that are not the
/// ordinary one, are `\u{200B}`.
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        match shown_as(letter) {
            Some(instead) => shown.push_str(&instead),
            None => shown.push(letter),
        }
    }
    shown
}

/// What stands in a report for a character that is not shown as it is.
pub(super) fn shown_as(letter: char) -> Option<String> {
    let odd_blank = letter != ' ' && letter.is_whitespace();
    match letter {
        '\t' => Some(" ".to_owned()),
        _ if odd_blank || is_hidden(letter) || matches!(letter, '\u{200c}' | '\u{200d}') => {
            Some(format!("\\u{{{:X}}}", u32::from(letter)))
        }
        _ => None,
    }
}
