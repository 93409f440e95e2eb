// SPDX-License-Identifier: Apache-2.0

package survey

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// hooksOf are the hooks of the chains that iptables has.
var hooksOf = map[string]string{"PREROUTING": "prerouting", "INPUT": "input", "FORWARD": "forward", "OUTPUT": "output", "POSTROUTING": "postrouting"}

// targets are what iptables calls what matters.
var targets = map[string]verdict{"DROP": refuses, "REJECT": refuses, "MASQUERADE": translates, "SNAT": translates}

// The lines of nft list ruleset, iptables -vnL and iptables-save -c.
var (
	nftCounter = regexp.MustCompile(`\bcounter packets (\d+)`)
	nftJump    = regexp.MustCompile(`\b(?:jump|goto) ([^\s,}]+)`)
	nftHook    = regexp.MustCompile(`^type \w+ hook (\w+) `)
	nftQuoted  = regexp.MustCompile(`\b(?:comment|prefix) "[^"]*"`)
	nftRefuses = regexp.MustCompile(`\b(?:drop|reject)\b|xt target "(?:DROP|REJECT)"`)
	nftSource  = regexp.MustCompile(`\b(?:masquerade|snat)\b|xt target "(?:MASQUERADE|SNAT)"`)
	nftHandle  = regexp.MustCompile(` # handle \d+$`)

	iptHead   = regexp.MustCompile(`^Chain (\S+) \(policy (\w+) (\d+[KMGT]?) packets`)
	iptChain  = regexp.MustCompile(`^Chain (\S+) \(`)
	iptRule   = regexp.MustCompile(`^(?:\[(\d+):\d+\] )?-A (\S+) (.*)$`)
	iptTarget = regexp.MustCompile(`(?:^| )-[jg] (\S+)`)
	iptPolicy = regexp.MustCompile(`^:(\S+) (\S+) \[(\d+):\d+\]$`)
)

// addNFT reads nft list ruleset. Sets and maps in a table have no lines that look like
// those of chains.
func (r ruleset) addNFT(text string) {
	var table []string
	var chain *parsedChain
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(nftHandle.ReplaceAllString(strings.TrimRight(line, "\n"), ""))
		words := strings.Fields(line)
		switch {
		case len(words) > 3 && words[0] == "table" && words[3] == "{":
			table, chain = words[1:3], nil
		case len(words) > 2 && words[0] == "chain" && words[2] == "{" && table != nil:
			chain = r.chain(chainKey{table[0], table[1], words[1]}, "")
		case line == "}":
			chain = nil
		case chain == nil || line == "":
		case nftHook.MatchString(line):
			chain.hook = nftHook.FindStringSubmatch(line)[1]
		default:
			chain.rules = append(chain.rules, nftRule(line))
		}
	}
}

func nftRule(line string) parsedRule {
	rule := parsedRule{text: line}
	does := nftQuoted.ReplaceAllString(line, "")
	if m := nftCounter.FindStringSubmatch(does); m != nil {
		rule.packets, _ = strconv.ParseUint(m[1], 10, 64) // digits
	}
	for _, m := range nftJump.FindAllStringSubmatch(does, -1) {
		rule.jumps = append(rule.jumps, m[1])
	}
	switch {
	case nftRefuses.MatchString(does):
		rule.verdict = refuses
	case nftSource.MatchString(does):
		rule.verdict = translates
	}
	return rule
}

// addIPTables reads iptables -vnL of a table. Without -v it has no counters, and other
// columns.
func (r ruleset) addIPTables(family, table, text string) {
	var chain *parsedChain
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		switch m := iptChain.FindStringSubmatch(line); {
		case m != nil:
			chain = r.chain(chainKey{family, table, m[1]}, hooksOf[m[1]])
			if head := iptHead.FindStringSubmatch(line); head != nil && head[2] == "DROP" {
				chain.rules = append(chain.rules, policy(number(head[3])))
			}
		case chain == nil || len(fields) < 6 || !isNumber(fields[0]) || !isNumber(fields[1]):
		default:
			rule := parsedRule{text: strings.Join(fields[2:], " "), packets: number(fields[0]), verdict: targets[fields[2]]}
			rule.jumps = []string{fields[2]}
			chain.rules = append(chain.rules, rule)
		}
	}
}

func policy(packets uint64) parsedRule {
	return parsedRule{text: "policy DROP", packets: packets, verdict: refuses}
}

// addIPTablesSave reads iptables-save, with -c for counters.
func (r ruleset) addIPTablesSave(family, text string) {
	table := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if name, ok := strings.CutPrefix(line, "*"); ok {
			table = name
			continue
		}
		if m := iptPolicy.FindStringSubmatch(line); m != nil {
			chain := r.chain(chainKey{family, table, m[1]}, hooksOf[m[1]])
			if m[2] == "DROP" {
				chain.rules = append(chain.rules, policy(number(m[3])))
			}
			continue
		}
		m := iptRule.FindStringSubmatch(line)
		if m == nil || r[chainKey{family, table, m[2]}] == nil {
			continue
		}
		rule := parsedRule{text: m[3], packets: number(m[1])}
		if to := iptTarget.FindStringSubmatch(m[3]); to != nil {
			rule.verdict, rule.jumps = targets[to[1]], []string{to[1]}
		}
		chain := r[chainKey{family, table, m[2]}]
		chain.rules = append(chain.rules, rule)
	}
}

// units are those in which iptables shows large numbers.
const units = "KMGT"

func isNumber(s string) bool {
	_, err := strconv.ParseUint(strings.TrimRight(s, units), 10, 54)
	return err == nil
}

// number reads 17 or 17K, 0 for what is no number.
func number(s string) uint64 {
	digits := strings.TrimRight(s, units)
	n, err := strconv.ParseUint(digits, 10, 54)
	if err != nil || len(s)-len(digits) > 1 {
		return 0
	}
	if digits != s {
		for range slices.Index([]byte(units), s[len(s)-1]) + 1 {
			n *= 1000
		}
	}
	return n
}
