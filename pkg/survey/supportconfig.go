// SPDX-License-Identifier: Apache-2.0

package survey

import (
	"path"
	"strings"
)

// What supportconfig writes before each part of its files, which are at the top.
const (
	supportHead    = "#==["
	supportCommand = "#==[ Command ]"
)

// readSupportconfig splits the files of a supportconfig into what commands
// printed and the files that it copied, which are read by their paths thereafter.
func (t *Tree) readSupportconfig() []capture {
	var found []capture
	for _, name := range t.list("/") {
		if !strings.HasSuffix(name, ".txt") {
			continue
		}
		text, err := t.read("/" + name)
		if err == nil && strings.Contains(text, supportHead) {
			found = append(found, t.splitSupport("/"+name, text)...)
		}
	}
	return found
}

func (t *Tree) splitSupport(file, text string) []capture {
	var found []capture
	for text != "" {
		at := strings.Index(text, supportHead)
		if at < 0 {
			break
		}
		head, rest, _ := strings.Cut(text[at:], "\n")
		title, body, _ := strings.Cut(rest, "\n")
		if strings.HasPrefix(title, supportHead) {
			text = rest
			continue
		}
		next := "\n" + body
		if end := strings.Index(next, "\n"+supportHead); end >= 0 {
			body, text = next[min(1, end):end], next[end+1:]
		} else {
			text = ""
		}
		if c, ok := t.supportPart(head, strings.TrimPrefix(title, "# "), body); ok {
			c.file = file
			found = append(found, c)
		}
	}
	return found
}

// supportPart reads a part, whose title is a command with its path, or a file with
// what is said of it.
func (t *Tree) supportPart(head, title, body string) (c capture, ok bool) {
	words := strings.Fields(title)
	if len(words) == 0 {
		return c, false
	}
	if strings.HasPrefix(head, supportCommand) {
		words[0] = path.Base(words[0])
		if len(words) > 4 && words[0] == "ip" && words[1] == "netns" && words[2] == "exec" {
			c.netns, words = words[3], words[4:]
			words[0] = path.Base(words[0])
		}
		if words[0] != "cat" || len(words) < 2 {
			c.words, c.body = words, &body
			return c, true
		}
		words = words[1:]
	}
	if path.IsAbs(words[0]) && !strings.Contains(title, "not found") {
		t.files[path.Clean(words[0])] = body
	}
	return c, false
}
