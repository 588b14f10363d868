// Verifies signature, integrity and completeness of packs (docs/pack.md) by Go's own libraries:
// sumdb/tlog for the tree, sumdb/note for signatures. Reads {pack, key, checkpoint} as lines of JSON,
// writes the states as lines. Shares no code with Sandtrail.
package main

import (
	"archive/zip"
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

var (
	errWrong = errors.New("wrong")
	required = []string{"README.txt", "entries.jsonl", "leaves.jsonl", "proof.json", "checkpoint.txt", "manifest.json", "manifest.sig"}
	anchor   = regexp.MustCompile(`^anchors/[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)
	number   = regexp.MustCompile(`^(0|-?[1-9][0-9]{0,17})$`)
	whole    = regexp.MustCompile(`^(0|[1-9][0-9]{0,17})$`)
	hash     = regexp.MustCompile(`^[0-9a-f]{64}$`)
	plain    = []string{"organization_id", "organization_revision", "organization_seq", "id", "created_at", "received_at", "action", "target_type", "target_id", "status_code", "source"}
	who      = []string{"actor_id", "actor_email", "actor_api_key_prefix", "actor_api_key_suffix", "ip_address", "user_agent"}
	said     = []string{"error_message", "metadata"}
	numbers  = map[string]bool{"organization_revision": true, "organization_seq": true, "created_at": true, "received_at": true, "status_code": true}
	optional = map[string]bool{"target_type": true, "target_id": true, "status_code": true, "source": true}
	entry    = map[string]string{"id": "id", "actorId": "actor_id", "actorEmail": "actor_email", "actorApiKeyPrefix": "actor_api_key_prefix", "actorApiKeySuffix": "actor_api_key_suffix", "organizationId": "organization_id", "action": "action", "targetType": "target_type", "targetId": "target_id", "statusCode": "status_code", "errorMessage": "error_message", "ipAddress": "ip_address", "userAgent": "user_agent", "source": "source", "metadata": "metadata", "createdAt": "created_at"}
)

type object = map[string]interface{}

// JSON without a name twice, at most 200 levels deep, numbers as they are written.
func parse(data []byte) (interface{}, error) {
	if !utf8.Valid(data) {
		return nil, errWrong
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	value, err := next(decoder, 1)
	if err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, errWrong
	}
	return value, nil
}

func next(decoder *json.Decoder, depth int) (interface{}, error) {
	token, err := decoder.Token()
	if err != nil || depth > 201 {
		return nil, errWrong
	}
	delimiter, nested := token.(json.Delim)
	if !nested {
		return token, nil
	}
	if depth > 200 {
		return nil, errWrong
	}
	if delimiter == '[' {
		list := []interface{}{}
		for decoder.More() {
			item, err := next(decoder, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, item)
		}
		_, err = decoder.Token()
		return list, err
	}
	found := object{}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		if _, twice := found[name.(string)]; twice {
			return nil, errWrong
		}
		if found[name.(string)], err = next(decoder, depth+1); err != nil {
			return nil, err
		}
	}
	_, err = decoder.Token()
	return found, err
}

// What follows panics with errWrong where a text has not its form; attempt says whether it had.
func must(holds bool) {
	if !holds {
		panic(errWrong)
	}
}

func attempt(action func()) (ok bool) {
	defer func() {
		if found := recover(); found != nil {
			if found != errWrong {
				panic(found)
			}
			ok = false
		}
	}()
	action()
	return true
}

func toObject(value interface{}, names ...string) object {
	found, ok := value.(object)
	must(ok)
	if len(names) > 0 {
		must(len(found) == len(names))
		for _, name := range names {
			_, there := found[name]
			must(there)
		}
	}
	return found
}

func toText(value interface{}) string { text, ok := value.(string); must(ok); return text }

func toWhole(value interface{}) int64 {
	literal, ok := value.(json.Number)
	must(ok && whole.MatchString(string(literal)))
	found, err := literal.Int64()
	must(err == nil)
	return found
}

func toHash(value interface{}) (found tlog.Hash) {
	text := toText(value)
	must(hash.MatchString(text))
	decoded, _ := hex.DecodeString(text)
	copy(found[:], decoded)
	return found
}

func toMicros(value interface{}) int64 {
	at, err := time.Parse(time.RFC3339Nano, toText(value))
	must(err == nil)
	return at.UnixMicro()
}

func toTexts(value interface{}, size int) []*string {
	list, ok := value.([]interface{})
	must(ok && len(list) == size)
	found := make([]*string, size)
	for place, item := range list {
		if item != nil {
			text := toText(item)
			found[place] = &text
		}
	}
	return found
}

func canonical(values []*string) []byte {
	var made []byte
	for _, value := range values {
		if value == nil {
			made = append(made, 'N', 0, 0, 0, 0)
			continue
		}
		made = append(made, 'V', 0, 0, 0, 0)
		binary.BigEndian.PutUint32(made[len(made)-4:], uint32(len(*value)))
		made = append(made, *value...)
	}
	return made
}

// The tree: a run of leaves as the hashes of the largest aligned subtrees within it.
type span struct{ from, to int64 }

type run struct {
	start, stop int64
	spans       []span
	hashes      []tlog.Hash
}

func (r *run) add(leaf tlog.Hash) {
	made := span{r.stop, r.stop + 1}
	for n := len(r.spans); n > 0; n = len(r.spans) {
		last := r.spans[n-1]
		width := made.to - made.from
		if last.to-last.from != width || last.from%(2*width) != 0 {
			break
		}
		leaf = tlog.NodeHash(r.hashes[n-1], leaf)
		made.from = last.from
		r.spans, r.hashes = r.spans[:n-1], r.hashes[:n-1]
	}
	r.spans, r.hashes = append(r.spans, made), append(r.hashes, leaf)
	r.stop++
}

func split(width int64) int64 {
	half := int64(1)
	for half*2 < width {
		half *= 2
	}
	return half
}

func outside(from, to, start, stop int64, found *[]span) {
	if start <= from && to <= stop {
		return
	}
	if to <= start || stop <= from {
		*found = append(*found, span{from, to})
		return
	}
	middle := from + split(to-from)
	outside(from, middle, start, stop, found)
	outside(middle, to, start, stop, found)
}

func (r *run) root(size int64, left, right []tlog.Hash) tlog.Hash {
	must(r.start < r.stop && r.stop <= size)
	known := map[span]tlog.Hash{}
	for place, one := range r.spans {
		known[one] = r.hashes[place]
	}
	var others []span
	outside(0, size, r.start, r.stop, &others)
	before := 0
	for _, one := range others {
		if one.to <= r.start {
			before++
		}
	}
	must(before == len(left) && len(others)-before == len(right))
	for place, one := range others {
		known[one] = append(append([]tlog.Hash{}, left...), right...)[place]
	}
	var of func(one span) tlog.Hash
	of = func(one span) tlog.Hash {
		if found, ok := known[one]; ok {
			return found
		}
		middle := one.from + split(one.to-one.from)
		return tlog.NodeHash(of(span{one.from, middle}), of(span{middle, one.to}))
	}
	return of(span{0, size})
}

type head struct {
	origin   string
	size     int64
	root     tlog.Hash
	signedAt *int64
}

func toHead(text string) head {
	must(strings.HasSuffix(text, "\n"))
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	must(len(lines) >= 3)
	for _, line := range lines {
		must(line != "")
	}
	must(whole.MatchString(lines[1]))
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(err == nil)
	decoded, err := base64.StdEncoding.DecodeString(lines[2])
	must(err == nil && len(decoded) == 32 && base64.StdEncoding.EncodeToString(decoded) == lines[2])
	found := head{origin: lines[0], size: size}
	copy(found.root[:], decoded)
	if len(lines) > 3 && strings.HasPrefix(lines[3], "time ") {
		at, err := time.Parse("2006-01-02T15:04:05Z", lines[3][5:])
		must(err == nil)
		micros := at.UnixMicro()
		found.signedAt = &micros
	}
	return found
}

// The text of a note whatever signed it, and whether the key did.
func open(data []byte, verifier note.Verifier) (text string, signed bool) {
	found, err := note.Open(data, note.VerifierList(verifier))
	if err == nil {
		return found.Text, true
	}
	end := bytes.LastIndex(data, []byte("\n\n"))
	must(end >= 0 && utf8.Valid(data) && bytes.HasSuffix(data, []byte("\n")) && end+2 < len(data))
	return string(data[:end+1]), false
}

type leaf struct {
	kind  string
	plain []*string
	shown map[string]*string
	hash  tlog.Hash
}

func toBlock(value interface{}, names []string, shown map[string]*string) []byte {
	found := toObject(value)
	if _, closed := found["commitment"]; closed {
		commitment := toHash(toObject(value, "commitment")["commitment"])
		return commitment[:]
	}
	found = toObject(value, "salt", "values")
	salt, values := toHash(found["salt"]), toTexts(found["values"], len(names))
	for place, name := range names {
		shown[name] = values[place]
	}
	made := sha256.Sum256(append(salt[:], canonical(values)...))
	return made[:]
}

func toLeaf(line []byte) leaf {
	value, err := parse(line)
	must(err == nil)
	kind, ok := toObject(value)["kind"].(string)
	must(ok)
	switch kind {
	case "superseded", "erased", "pruned", "absent":
		return leaf{kind: kind, hash: toHash(toObject(value, "kind", "hash")["hash"])}
	case "closed":
		found := toObject(value, "kind", "hash", "created_at")
		must(number.MatchString(toText(found["created_at"])))
		return leaf{kind: kind, hash: toHash(found["hash"])}
	case "entry", "left_out":
	default:
		must(false)
	}
	found := toObject(value, "kind", "plain", "who", "said")
	made := leaf{kind: kind, plain: toTexts(found["plain"], len(plain)), shown: map[string]*string{}}
	for place, name := range plain {
		text := made.plain[place]
		must(text != nil || optional[name])
		must(text == nil || !numbers[name] || number.MatchString(*text))
		made.shown[name] = text
	}
	for _, place := range []int{4, 5} {
		at, _ := strconv.ParseInt(*made.plain[place], 10, 64)
		must(at >= 0 && at <= 253402300799999999)
	}
	data := append([]byte{1}, canonical(made.plain)...)
	data = append(data, toBlock(found["who"], who, made.shown)...)
	data = append(data, toBlock(found["said"], said, made.shown)...)
	made.hash = tlog.RecordHash(data)
	return made
}

func (one leaf) says(line []byte) bool {
	value, err := parse(line)
	must(err == nil)
	found := toObject(value)
	must(len(found) == len(entry))
	for name, ours := range entry {
		item, there := found[name]
		must(there)
		text, shown := one.shown[ours]
		if !shown {
			continue
		}
		var expected interface{}
		switch {
		case text == nil || (ours == "organization_id" && *text == ""):
		case ours == "status_code":
			expected = json.Number(*text)
		case ours == "created_at":
			micros, _ := strconv.ParseInt(*text, 10, 64)
			at := time.UnixMicro(micros).UTC()
			format := "2006-01-02T15:04:05Z"
			if micros%1000000 != 0 {
				format = "2006-01-02T15:04:05.000000Z"
			}
			expected = at.Format(format)
		case ours == "metadata":
			if expected, err = parse([]byte(*text)); err != nil {
				return false
			}
		default:
			expected = *text
		}
		if !reflect.DeepEqual(item, expected) {
			return false
		}
	}
	return true
}

func checkCondition(value interface{}) {
	found := toObject(value)
	for _, name := range []string{"all", "any"} {
		if list, ok := found[name].([]interface{}); ok && len(found) == 1 {
			for _, part := range list {
				checkCondition(part)
			}
			return
		}
	}
	if part, ok := found["not"]; ok && len(found) == 1 {
		checkCondition(part)
		return
	}
	if _, ok := found["unknown"].(string); ok && len(found) == 1 {
		return
	}
	name, known := toText0(found["field"]), false
	for _, one := range plain {
		known = known || one == name
	}
	must(known && len(found) > 1)
}

func toText0(value interface{}) string { text, _ := value.(string); return text }

type refusal string

func files(path string) map[string][]byte {
	archive, err := zip.OpenReader(path)
	if err != nil {
		panic(refusal("pack.zip"))
	}
	defer archive.Close()
	found := map[string]*zip.File{}
	for _, file := range archive.File {
		name := file.Name
		isRequired := false
		for _, one := range required {
			isRequired = isRequired || one == name
		}
		packed := file.CompressedSize64
		if packed < 1000 {
			packed = 1000
		}
		switch {
		case found[name] != nil:
			panic(refusal("pack.twice"))
		case len(found) == 64:
			panic(refusal("pack.files"))
		case !isRequired && !anchor.MatchString(name):
			panic(refusal("pack.stranger"))
		case file.Flags&1 != 0 || (file.Method != zip.Store && file.Method != zip.Deflate):
			panic(refusal("pack.method"))
		case name != "entries.jsonl" && name != "leaves.jsonl" && file.UncompressedSize64 > 2000000:
			panic(refusal("pack.large"))
		case file.UncompressedSize64 > 200*packed:
			panic(refusal("pack.bomb"))
		}
		found[name] = file
	}
	for _, name := range required {
		if found[name] == nil {
			panic(refusal("pack.missing"))
		}
	}
	contents := map[string][]byte{}
	for name, file := range found {
		reader, err := file.Open()
		if err != nil {
			panic(refusal("pack.damaged"))
		}
		data, err := io.ReadAll(io.LimitReader(reader, int64(file.UncompressedSize64)+1))
		if err != nil || uint64(len(data)) != file.UncompressedSize64 {
			panic(refusal("pack.damaged"))
		}
		contents[name] = data
	}
	return contents
}

func lines(data []byte) [][]byte {
	if len(data) == 0 {
		return nil
	}
	if data[len(data)-1] != '\n' {
		panic(refusal("pack.line"))
	}
	return bytes.Split(data[:len(data)-1], []byte("\n"))
}

func verify(path, key, checkpoint string) (signature, integrity, completeness string) {
	contents := files(path)
	var manifest object
	var verifier note.Verifier
	var since *int64
	var start, leaves, inAll int64
	var organization, keyText string
	if !attempt(func() {
		value, err := parse(contents["manifest.json"])
		must(err == nil)
		manifest = toObject(value)
		must(toText(manifest["format"]) == "sandtrail-pack" && toWhole(manifest["version"]) == 1)
		keyText, organization = toText(manifest["key"]), toText(manifest["organization"])
		// Half of a character reads as this one.
		must(!strings.ContainsRune(organization, utf8.RuneError))
		verifier, err = note.NewVerifier(keyText)
		must(err == nil)
		query := toObject(manifest["query"])
		checkCondition(query["condition"])
		if query["since"] != nil {
			at := toMicros(query["since"])
			since = &at
		}
		start = toWhole(toObject(manifest["run"])["start"])
		leaves = toWhole(toObject(manifest["head"])["leaves"])
		inAll = toWhole(toObject(manifest["head"])["entries"])
		toObject(manifest["files"])
	}) {
		panic(refusal("pack.manifest"))
	}
	signature, integrity, completeness = "holds", "holds", "holds"

	// Signature.
	sum := sha256.Sum256(contents["manifest.json"])
	stated := "sandtrail pack 1\n" + base64.StdEncoding.EncodeToString(sum[:]) + "\n"
	text, signed := "", false
	if !attempt(func() { text, signed = open(contents["manifest.sig"], verifier) }) || !signed || text != stated {
		signature = "fails"
	}
	named := toObject(manifest["files"])
	for name, data := range contents {
		if name == "manifest.json" || name == "manifest.sig" {
			continue
		}
		sum := sha256.Sum256(data)
		if !attempt(func() {
			file := toObject(named[name])
			must(toWhole(file["bytes"]) == int64(len(data)) && toText(file["sha256"]) == hex.EncodeToString(sum[:]))
		}) {
			signature = "fails"
		}
	}
	for name := range named {
		if contents[name] == nil {
			signature = "fails"
		}
	}
	if key != "" && key != keyText {
		signature = "fails"
	} else if key == "" && signature == "holds" {
		signature = "unconfirmed"
	}

	// Integrity and completeness, leaf by leaf.
	raw, err := base64.StdEncoding.DecodeString(strings.SplitN(strings.TrimSpace(keyText), "+", 3)[2])
	if err != nil || len(raw) != 33 {
		panic(refusal("pack.manifest"))
	}
	fingerprint := sha256.Sum256(raw[1:])
	origin := "sandtrail/" + hex.EncodeToString(fingerprint[:8]) + "/" + quote(organization)
	var top *head
	if !attempt(func() {
		text, signed := open(contents["checkpoint.txt"], verifier)
		found := toHead(text)
		top = &found
		must(signed && found.origin == origin && found.size == leaves)
	}) {
		integrity = "fails"
	}
	var kept *head
	if checkpoint != "" && !attempt(func() {
		text, signed := open([]byte(checkpoint), verifier)
		must(signed)
		found := toHead(text)
		must(found.origin == origin)
		kept = &found
	}) {
		completeness = "fails"
	}
	begin, stop, size := start, leaves, leaves
	var left, right []tlog.Hash
	if !attempt(func() {
		value, err := parse(contents["proof.json"])
		must(err == nil)
		proof := toObject(value, "start", "stop", "size", "left", "right")
		begun, ended, all := toWhole(proof["start"]), toWhole(proof["stop"]), toWhole(proof["size"])
		var sides [2][]tlog.Hash
		for place, name := range []string{"left", "right"} {
			list, ok := proof[name].([]interface{})
			must(ok)
			for _, item := range list {
				sides[place] = append(sides[place], toHash(item))
			}
		}
		begin, stop, size, left, right = begun, ended, all, sides[0], sides[1]
	}) {
		integrity = "fails"
	}
	r := run{start: begin, stop: begin}
	entries := lines(contents["entries.jsonl"])
	var low, high, base, newer, loose int64
	anchored := begin == 0
	seen := map[int64]bool{}
	var border *leaf
	var earlier *tlog.Hash
	readable := true
	for _, line := range lines(contents["leaves.jsonl"]) {
		n := r.stop
		var one leaf
		if readable = attempt(func() { one = toLeaf(line) }); !readable {
			integrity = "fails"
			break
		}
		r.add(one.hash)
		if one.plain == nil {
			anchored = true
			high++
			if one.kind != "superseded" {
				loose++
			}
		} else {
			if n == begin {
				border = &one
			}
			if *one.plain[0] != organization || *one.plain[1] != strconv.FormatInt(n+1, 10) {
				integrity = "fails"
			}
			s, _ := strconv.ParseInt(*one.plain[2], 10, 64)
			if !anchored {
				anchored, base, low, high = true, s-1, s-1, s-1
			}
			if s > high+1 {
				completeness, low, high = "fails", s, s
			}
			if s > low {
				low = s
			}
			if s > high {
				high = s
			}
			if s > base && !seen[s] {
				newer++
			}
			seen[s] = true
		}
		if one.kind == "entry" {
			if len(entries) == 0 {
				integrity = "fails"
			} else {
				same := false
				if !attempt(func() { same = one.says(entries[0]) }) || !same {
					integrity = "fails"
				}
				entries = entries[1:]
			}
		}
		if kept != nil && r.stop == kept.size {
			attempt(func() {
				found := r.root(kept.size, left, nil)
				earlier = &found
			})
		}
	}
	if readable {
		if len(entries) > 0 {
			integrity = "fails"
		}
		if r.stop != stop || stop != size || begin != start || (top != nil && top.size != size) {
			completeness = "fails"
		}
		if top != nil && !attempt(func() { must(r.root(top.size, left, right) == top.root) }) {
			integrity = "fails"
		}
		if inAll < low || inAll > high || inAll-base-newer > loose {
			completeness = "fails"
		}
		if begin > 0 {
			received := int64(0)
			if border != nil {
				received, _ = strconv.ParseInt(*border.plain[5], 10, 64)
			}
			if since == nil || border == nil || received >= *since {
				completeness = "fails"
			}
		}
	}
	partly := false
	if top != nil && kept != nil {
		if kept.size == top.size {
			earlier = &top.root
		}
		switch {
		case kept.size > top.size:
			older := top.signedAt != nil && kept.signedAt != nil && *kept.signedAt <= *top.signedAt
			if older {
				completeness = "fails"
			}
			partly = !older
		case earlier == nil:
			partly = true
		case *earlier != kept.root:
			completeness = "fails"
		}
	}
	if completeness == "holds" {
		if integrity == "fails" || !readable || top == nil {
			completeness = "unknown"
		} else if partly {
			completeness = "partly"
		}
	}
	return signature, integrity, completeness
}

func quote(text string) string {
	return strings.ReplaceAll(url.QueryEscape(text), "+", "%20")
}

func answer(asked map[string]*string) (found interface{}) {
	defer func() {
		if caught := recover(); caught != nil {
			code, ok := caught.(refusal)
			if !ok {
				panic(caught)
			}
			found = object{"refused": object{"code": string(code)}}
		}
	}()
	text := func(name string) string {
		if asked[name] == nil {
			return ""
		}
		return *asked[name]
	}
	verdicts := object{}
	signature, integrity, completeness := verify(text("pack"), text("key"), text("checkpoint"))
	for name, state := range map[string]string{"signature": signature, "integrity": integrity, "completeness": completeness} {
		verdicts[name] = object{"state": state, "findings": []string{}}
	}
	return object{"verdicts": verdicts}
}

func main() {
	input := bufio.NewScanner(os.Stdin)
	input.Buffer(nil, 1<<24)
	for input.Scan() {
		var asked map[string]*string
		if err := json.Unmarshal(input.Bytes(), &asked); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		written, _ := json.Marshal(answer(asked))
		fmt.Println(string(written))
	}
}
