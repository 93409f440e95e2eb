// SPDX-License-Identifier: Apache-2.0

// Package docs has of the documentation what tests read where the repository is not.
package docs

import _ "embed" // for the schema

// Schema1 is the JSON Schema of a line of a capture.
//
//go:embed schema-1.json
var Schema1 []byte
