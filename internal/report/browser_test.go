package report

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"faultlab/internal/lab"
)

// shots keeps pictures of every page where it is set: for a person to look at.
var shots = os.Getenv("REPORT_SHOTS")

// browser starts a headless Chromium for the test.
func browser(t *testing.T) context.Context {
	t.Helper()
	if testing.Short() {
		t.Skip("starts a browser")
	}
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	switch {
	case path != "":
	case os.Getenv("CI") != "":
		t.Fatal("Chromium is missing: run scripts/ci-tools as root, or install the package chromium")
	default:
		t.Skip("Chromium is missing: install the package chromium to test the report in a browser")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-quic", true))
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	return ctx
}

// hostile is a run in which everything that others wrote tries to get out:
// markup, addresses, text that reorders text.
func hostile(outside string) *lab.Result {
	evil := func(what string) string {
		return fmt.Sprintf(`</pre></code></style></title><script>document.title="owned";fetch(%[1]q)</script><img src=%[1]q onerror="document.title='owned'"><link rel=stylesheet href=%[1]q><style>@import url(%[1]q);body{display:none}</style> %[2]s `+"\u202eFED", outside+"/"+what, what)
	}
	r := cases()["fault"]
	r.Title, r.Variant, r.Reason, r.Change, r.Command = evil("title"), "also/"+evil("variant"), evil("reason")+"\nmore\n"+strings.Repeat("x", 5000), evil("change"), evil("command")
	r.Checks[0].Hint, r.Checks[1].Hint, r.Checks[1].Got, r.Checks[1].Skipped = r.Reason, evil("hint"), evil("got"), false
	r.Before.Set("very-long-name-of-a-reading-that-nobody-would-want-to-have-but-somebody-has", evil("unit"), 1e15)
	r.Series = append(r.Series, lab.Series{Name: evil("series"), Unit: evil("unit"), Points: []lab.Point{{At: 0, Value: 1}, {At: time.Second, Value: 2}}})
	r.Servers[0].Image = evil("image")
	r.Phases[0].Error = evil("phase")
	return r
}

// seen is what a page tells of itself, in a browser.
type seen struct {
	Scroll, Width int      // of the page, in CSS pixels
	Title         string   // changed by a script, if one ran
	Background    string   // of the page
	Pale          []string // texts with less contrast than WCAG AA asks for
	Low           []string // headings that skip a level
	Unfocused     []string // what scrolls and can't be reached by the keyboard
}

// look is run in the page.
const look = `(() => {
  for (const d of document.querySelectorAll('details')) d.open = true;
  const parse = c => { const m = c.match(/[\d.]+/g).map(Number); return m.length < 4 ? [...m, 1] : m };
  const lum = c => { const [r, g, b] = c.map(v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b };
  const back = e => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c[3] === 1) return c } return [255, 255, 255, 1] };
  const pale = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const e = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim()) continue;
    const s = getComputedStyle(e), a = lum(parse(e instanceof SVGElement ? s.fill : s.color)), b = lum(back(e));
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) pale.push(ratio.toFixed(2) + ' ' + walk.currentNode.data.trim().slice(0, 40));
  }
  const low = []; let level = 0;
  for (const h of document.querySelectorAll('h1,h2,h3,h4')) { const n = +h.tagName[1]; if (n > level + 1) low.push(h.textContent); level = n }
  const unfocused = [...document.querySelectorAll('*')].filter(e => (e.scrollHeight > e.clientHeight + 1 || e.scrollWidth > e.clientWidth + 1) && /auto|scroll/.test(getComputedStyle(e).overflow) && e.tabIndex < 0).map(e => e.className);
  const d = document.documentElement;
  return { Scroll: Math.max(d.scrollWidth, document.body.scrollWidth), Width: d.clientWidth, Title: document.title, Background: getComputedStyle(document.body).backgroundColor, Pale: pale, Low: low, Unfocused: unfocused };
})()`

func TestHTMLInABrowser(t *testing.T) {
	ctx := browser(t)
	var hits atomic.Int32
	outside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	defer outside.Close()
	pages := cases()
	pages["hostile"] = hostile(outside.URL)

	var mu sync.Mutex
	var requests, complaints []string
	err := chromedp.Listen(ctx, func(ev any) {
		mu.Lock()
		defer mu.Unlock()
		switch ev := ev.(type) {
		case *network.EventRequestWillBeSent:
			requests = append(requests, ev.Request.URL)
		case *cdplog.EventEntryAdded:
			complaints = append(complaints, ev.Entry.Text)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	call(t, ctx, network.Enable, network.EnableParams{})
	call(t, ctx, cdplog.Enable, cdp.Empty{})
	call(t, ctx, accessibility.Enable, cdp.Empty{})
	backgrounds := map[string]string{}
	for name, r := range pages {
		file := filepath.Join(t.TempDir(), name+".html")
		var page bytes.Buffer
		if err := HTML(&page, r, logFiles); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, page.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		address := (&url.URL{Scheme: "file", Path: filepath.ToSlash(file)}).String()
		for _, width := range []int64{320, 1100} {
			for _, scheme := range []string{"light", "dark"} {
				where := fmt.Sprintf("%s-%d-%s", name, width, scheme)
				mu.Lock()
				requests, complaints = nil, nil
				mu.Unlock()
				call(t, ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
					Width: width, Height: 800, DeviceScaleFactor: 1, Mobile: width < 500,
				})
				call(t, ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
					Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
				})
				if err := chromedp.Do(ctx, chromedp.Navigate(address)); err != nil {
					t.Fatalf("%s: %v", where, err)
				}
				got := run(t, ctx, chromedp.Evaluate[seen](look))
				nodes := call(t, ctx, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{}).Nodes
				if shots != "" {
					picture := run(t, ctx, chromedp.FullScreenshot(100))
					if err := os.WriteFile(filepath.Join(shots, where+".png"), picture, 0o644); err != nil {
						t.Fatal(err)
					}
				}
				backgrounds[scheme] = got.Background
				if got.Scroll > got.Width {
					t.Errorf("%s: %d pixels wide, and scrolls sideways", where, got.Scroll)
				}
				if want := word(r) + " · " + r.Lab + " · faultlab"; got.Title != want {
					t.Errorf("%s: title %q", where, got.Title)
				}
				mu.Lock()
				for what, list := range map[string][]string{
					"too little contrast": got.Pale, "skips a level": got.Low, "out of the keyboard's reach": got.Unfocused, "the browser complains": complaints,
				} {
					if len(list) > 0 {
						t.Errorf("%s: %s: %q", where, what, list)
					}
				}
				if len(requests) == 0 {
					t.Errorf("%s: not even the page itself was asked for: nobody was listening", where)
				}
				for _, request := range requests {
					if request != address {
						t.Errorf("%s: asks for %s", where, request)
					}
				}
				mu.Unlock()
				heard(t, where, r, nodes)
			}
		}
	}
	if backgrounds["light"] == backgrounds["dark"] {
		t.Errorf("light and dark look the same: %v", backgrounds)
	}
	if hits.Load() > 0 {
		t.Errorf("%d requests to a server", hits.Load())
	}
}

func call[P, R any](t *testing.T, ctx context.Context, cmd cdp.Command[P, R], params P) R {
	t.Helper()
	res, err := chromedp.Call(ctx, cmd, params)
	if err != nil {
		t.Fatalf("%s: %v", cmd.Method, err)
	}
	return res
}

func run[T any](t *testing.T, ctx context.Context, a chromedp.Action[T]) T {
	t.Helper()
	got, err := chromedp.Run(ctx, a)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// heard wants in the accessibility tree what a screen reader has to say.
func heard(t *testing.T, where string, r *lab.Result, nodes []*accessibility.Node) {
	t.Helper()
	text := func(v *accessibility.Value) (s string) {
		if v != nil {
			_ = json.Unmarshal(v.Value, &s)
		}
		return s
	}
	var said strings.Builder
	roles := map[string]int{}
	for _, n := range nodes {
		if !n.Ignored {
			said.WriteString(text(n.Name) + "\n")
			roles[text(n.Role)]++
		}
	}
	want := []string{strings.ToUpper(string(r.Verdict)), "seed"}
	for _, x := range pairs(r) {
		want = append(want, x.Name, number(x.Before), number(x.After), change(x))
		if x.Before == nil || x.After == nil {
			want = append(want, "not measured")
		}
	}
	for _, c := range r.Checks {
		want = append(want, c.ID)
	}
	all := strings.ToLower(said.String())
	for _, w := range want {
		if w != "–" && !strings.Contains(all, strings.ToLower(w)) {
			t.Errorf("%s: %q is not heard", where, w)
		}
	}
	for _, role := range []string{"banner", "navigation", "main", "contentinfo"} {
		if roles[role] != 1 {
			t.Errorf("%s: %d landmarks of role %s", where, roles[role], role)
		}
	}
	if n := len(pairs(r)); n > 0 && (roles["table"] == 0 || roles["rowheader"] < n || roles["columnheader"] == 0) {
		t.Errorf("%s: the readings are no table: %v", where, roles)
	}
}
