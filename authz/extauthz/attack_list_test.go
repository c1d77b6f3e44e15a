package extauthz_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/kinde-authz/kinde-authz/authz"
)

// root is the repository.
const root = "../.."

// A test names an attack by its ID in docs/attacks.md: at the beginning of a row's
// name, or in the comment of the function.
var (
	inRow     = regexp.MustCompile(`^([A-Z]\d+) `)
	inComment = regexp.MustCompile(`^Attack ([A-Z]\d+): `)
	answer    = regexp.MustCompile("(\\d{3}) `([a-z_]+)`")
	inList    = regexp.MustCompile(`(?m)^\| ([A-Z]\d+) \| [^|]+ \| [^|]+ \| ([^|]+) \|$`)
	aTest     = regexp.MustCompile("^(Test|Fuzz|Benchmark)[A-Z]")
	testName  = regexp.MustCompile("`([a-z/-]+\\.)?((?:Test|Fuzz|Benchmark)[A-Z]\\w+)[^`]*`")
)

// testFunction is a test, its folder, and the attacks that it names.
type testFunction struct {
	folder string
	*ast.FuncDecl
	ids map[string]bool
}

// testFunctions are those of the repository by name, a list where a name is in
// several folders.
func testFunctions(t *testing.T) map[string][]*testFunction {
	t.Helper()
	all := map[string][]*testFunction{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		folder, _ := filepath.Rel(root, filepath.Dir(path))
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && aTest.MatchString(f.Name.Name) {
				all[f.Name.Name] = append(all[f.Name.Name], &testFunction{folder, f, idsOf(f)})
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// idsOf are the attacks that a test names.
func idsOf(f *ast.FuncDecl) map[string]bool {
	ids := map[string]bool{}
	if match := inComment.FindStringSubmatch(f.Doc.Text()); match != nil {
		ids[match[1]] = true
	}
	ast.Inspect(f.Body, func(n ast.Node) bool {
		if e, ok := n.(ast.Expr); ok {
			if match := inRow.FindStringSubmatch(literal(e)); match != nil {
				ids[match[1]] = true
			}
		}
		return true
	})
	return ids
}

// literal is the text of a string literal, and empty for all else.
func literal(e ast.Expr) string {
	if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING {
		text, _ := strconv.Unquote(lit.Value)
		return text
	}
	return ""
}

// named are the tests that a text of the documentation names, each in backquotes,
// with its folder where several have one of that name.
func named(t *testing.T, text string, all map[string][]*testFunction) (tests []*testFunction) {
	t.Helper()
	for _, match := range testName.FindAllStringSubmatch(text, -1) {
		folder, name := strings.TrimSuffix(match[1], "."), match[2]
		found := slices.Clone(all[name])
		if folder != "" {
			found = slices.DeleteFunc(found, func(f *testFunction) bool { return f.folder != folder })
		}
		if len(found) != 1 {
			t.Errorf("%s: %d tests have that name, want one", match[0], len(found))
			continue
		}
		tests = append(tests, found[0])
	}
	return tests
}

func readDocs(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "docs", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Each attack of the list is named by each test that the list gives for it, each
// attack that a test names is in the list with that test, and each reason has its
// status.
func TestListOfAttacksAgreesWithTheTests(t *testing.T) {
	page, all := readDocs(t, "attacks.md"), testFunctions(t)
	for _, match := range answer.FindAllStringSubmatch(page, -1) {
		reason := authz.Reason(match[2])
		if d := authz.Denial(reason, ""); d.Reason != reason || strconv.Itoa(d.Status()) != match[1] {
			t.Errorf("%s: the status of %s is %d", match[0], d.Reason, d.Status())
		}
	}
	listed := map[string][]*testFunction{}
	for _, row := range inList.FindAllStringSubmatch(page, -1) {
		id := row[1]
		if listed[id] != nil {
			t.Errorf("%s is there twice", id)
		}
		if listed[id] = named(t, row[2], all); len(listed[id]) == 0 {
			t.Errorf("%s: no test", id)
		}
		for _, test := range listed[id] {
			if !test.ids[id] {
				t.Errorf("%s: %s does not name it", id, test.Name.Name)
			}
		}
	}
	for _, tests := range all {
		for _, test := range tests {
			for id := range test.ids {
				if !slices.Contains(listed[id], test) {
					t.Errorf("%s: docs/attacks.md does not give %s.%s for it", id, test.folder, test.Name.Name)
				}
			}
		}
	}
}

// Each row of a test whose name begins with TestAttack begins with an ID.
func TestRowsOfAttacksHaveAnID(t *testing.T) {
	for name, tests := range testFunctions(t) {
		if !strings.HasPrefix(name, "TestAttack") {
			continue
		}
		for _, test := range tests {
			if len(test.ids) == 0 {
				t.Errorf("%s names no attack", name)
			}
			ast.Inspect(test.Body, func(n ast.Node) bool {
				for _, text := range rowNames(n) {
					if text != "" && !inRow.MatchString(text) {
						t.Errorf("%s: the row %q has no ID", name, text)
					}
				}
				return true
			})
		}
	}
}

// rowNames are the names of rows that a node of a syntax tree holds: the first
// field of a row, the keys of a map that a loop makes subtests of, and the names of
// subtests. A name that is put together counts by its first piece.
func rowNames(n ast.Node) (names []string) {
	switch n := n.(type) {
	case *ast.CompositeLit:
		if kind, ok := n.Type.(*ast.Ident); ok && kind.Name == "row" {
			return []string{firstPiece(n.Elts[0])}
		}
		if kind, ok := n.Type.(*ast.ArrayType); ok {
			if element, ok := kind.Elt.(*ast.Ident); ok && element.Name == "row" {
				for _, e := range n.Elts {
					names = append(names, firstPiece(e.(*ast.CompositeLit).Elts[0]))
				}
			}
		}
	case *ast.RangeStmt:
		if table, ok := n.X.(*ast.CompositeLit); ok && makesSubtests(n) {
			for _, e := range table.Elts {
				names = append(names, firstPiece(e.(*ast.KeyValueExpr).Key))
			}
		}
	case *ast.CallExpr:
		if name := subtest(n); name != nil {
			return []string{firstPiece(name)}
		}
	}
	return names
}

// firstPiece is the text that a name begins with, empty when it is not a literal.
func firstPiece(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BinaryExpr:
		return firstPiece(e.X)
	case *ast.CallExpr:
		if f, ok := e.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "Sprintf" {
			return firstPiece(e.Args[0])
		}
	}
	return literal(e)
}

// subtest is the name that a call gives a subtest, nil when it is no such call.
func subtest(call *ast.CallExpr) ast.Expr {
	switch f := call.Fun.(type) {
	case *ast.SelectorExpr:
		if f.Sel.Name == "Run" && len(call.Args) == 2 {
			return call.Args[0]
		}
	case *ast.Ident:
		if f.Name == "inLab" {
			return call.Args[1]
		}
	}
	return nil
}

// makesSubtests reports whether a loop runs a subtest by the name of each key.
func makesSubtests(loop *ast.RangeStmt) (found bool) {
	key, ok := loop.Key.(*ast.Ident)
	if !ok || key.Name == "_" {
		return false
	}
	ast.Inspect(loop.Body, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			if name, ok := subtest(call).(*ast.Ident); ok && name.Name == key.Name {
				found = true
			}
		}
		return true
	})
	return found
}

// Every test that docs/security.md names is there.
func TestSecurityPageNamesTestsThatExist(t *testing.T) {
	if tests := named(t, readDocs(t, "security.md"), testFunctions(t)); len(tests) == 0 {
		t.Error("it names no test")
	}
}
