//! A transcript's lines, edited section by section. A section is named by the
//! number of its `###` line, as the parser tells it.

use std::ops::Range;

/// The lines of a transcript.
pub(super) struct Sections {
    lines: Vec<String>,
}

impl Sections {
    pub(super) fn new(text: &str) -> Self {
        Self {
            lines: text.lines().map(str::to_owned).collect(),
        }
    }

    pub(super) fn text(&self) -> String {
        self.lines.iter().map(|line| format!("{line}\n")).collect()
    }

    /// Lets `@calls` say how many calls are written.
    pub(super) fn count_calls(&mut self) {
        let called = |line: &&String| line.trim_end() == "### Vendor is called";
        let count = self.lines.iter().filter(called).count();
        let mut lines = self.lines.iter_mut();
        if let Some(line) = lines.find(|line| line.starts_with("@calls ")) {
            *line = format!("@calls {count}");
        }
    }

    /// Sets the line below the section's name.
    pub(super) fn set_first(&mut self, section: usize, text: &str) {
        if let Some(line) = self.lines.get_mut(section) {
            *line = text.to_owned();
        }
    }

    /// Sets a header that is there, or takes it out.
    pub(super) fn set_header(&mut self, section: usize, name: &str, value: Option<String>) {
        let is_it = |line: &String| {
            let written = line.split_once(':').map(|(written, _)| written.trim());
            written.is_some_and(|written| written.eq_ignore_ascii_case(name))
        };
        let headers = self.headers(section);
        let lines = self.lines.get_mut(headers.clone()).unwrap_or_default();
        let Some(index) = lines.iter().position(is_it) else {
            return;
        };
        let line = &mut lines[index];
        match value {
            Some(value) => {
                let written = line.split_once(':').map_or("", |(written, _)| written);
                *line = format!("{written}: {value}");
            }
            None => drop(self.lines.remove(headers.start + index)),
        }
    }

    /// A section's body as it is written; empty if it has none.
    pub(super) fn body_text(&self, section: usize) -> String {
        let lines = self.lines.get(self.body(section)).unwrap_or_default();
        lines.join("\n").trim().to_owned()
    }

    /// Sets a section's body, or takes it out; whether that changed something.
    pub(super) fn set_body(&mut self, section: usize, body: Option<&str>) -> bool {
        let range = self.body(section);
        let before = self.body_text(section);
        match body {
            Some(body) if before == body => return false,
            Some(body) if range.is_empty() => {
                let at = self.headers(section).end;
                let lines = std::iter::once("").chain(body.lines()).map(str::to_owned);
                self.lines.splice(at..at, lines);
            }
            Some(body) => {
                let lines: Vec<_> = body.lines().map(str::to_owned).collect();
                self.lines.splice(range, lines);
            }
            None if range.is_empty() => return false,
            // The empty line before it goes as well.
            None => drop(self.lines.drain(self.headers(section).end..range.end)),
        }
        true
    }

    /// Takes out a call and what the vendor answers to it.
    pub(super) fn remove_call(&mut self, section: usize) {
        let answers = self.end(section) + 1;
        let end = self.end(answers);
        self.lines.drain(section - 1..end);
    }

    /// The index behind a section's last line.
    fn end(&self, section: usize) -> usize {
        let behind = self.lines.iter().skip(section);
        let length = behind.take_while(|line| !line.starts_with("### ")).count();
        section + length
    }

    fn headers(&self, section: usize) -> Range<usize> {
        let start = section + 1;
        let lines = self.lines.get(start..self.end(section).max(start));
        let lines = lines.unwrap_or_default().iter();
        let length = lines.take_while(|line| !line.trim().is_empty()).count();
        start..start + length
    }

    /// The lines of the body without empty ones around it.
    fn body(&self, section: usize) -> Range<usize> {
        let (mut start, mut end) = (self.headers(section).end, self.end(section));
        let is_empty = |index: usize| self.lines.get(index).is_some_and(|it| it.trim().is_empty());
        while start < end && is_empty(start) {
            start += 1;
        }
        while start < end && is_empty(end - 1) {
            end -= 1;
        }
        start..end.max(start)
    }
}
