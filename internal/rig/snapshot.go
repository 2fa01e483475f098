package rig

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/containerd/errdefs"
	"github.com/gofrs/flock"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"faultlab/docker"
	"faultlab/internal/lab"
	"faultlab/internal/owner"
)

// A snapshot is one image for each server of a rig, committed from the cleanly
// stopped containers. Its labels say all that is known of it:
const (
	labelSnapshot = "faultlab.snapshot" // the key
	labelSave     = "faultlab.save"     // the same in all images of one Save
	labelServers  = "faultlab.servers"  // how many images there are, if all are there
	labelPrint    = "faultlab.fingerprint"
	labelSecret   = "faultlab.secret"
	labelBase     = "faultlab.base"    // bytes of the image below
	labelCreated  = "faultlab.created" // RFC 3339
	labelFiles    = "faultlab.files"   // the digest of the files that were put into the container
)

// repository names all snapshots: faultlab/snapshot:<key>-<server>.
const repository = "faultlab/snapshot"

// Snapshot is a seeded rig kept on the engine.
type Snapshot struct {
	Key     string
	Lab     string
	Servers []string
	Size    int64 // bytes beyond the servers' images
	Created time.Time
	Used    time.Time // last start from it

	print  lab.Fingerprint
	secret string
	images map[string]string // image name by server
	files  map[string]string // digest of its files by server
	ids    []string          // of all its images, for removal
	whole  bool              // nothing is missing: no Save was killed half-way
}

// Snapshots lists the snapshots, the last used first.
func Snapshots(ctx context.Context) ([]Snapshot, error) {
	e, err := connect(ctx)
	if err != nil {
		return nil, err
	}
	defer e.close()
	all, err := snapshots(ctx, e, stateDir(), labelSnapshot)
	return slices.DeleteFunc(all, func(s Snapshot) bool { return !s.whole }), err
}

// snapshots lists those with the label, the last used first, broken ones too.
func snapshots(ctx context.Context, e *daemon, state, label string) ([]Snapshot, error) {
	res, err := e.api.ImageList(ctx, client.ImageListOptions{Filters: client.Filters{}.Add("label", label)})
	if err != nil {
		return nil, fmt.Errorf("list snapshots: %w", err)
	}
	byName := map[string]*Snapshot{} // key, or id of an image whose name another Save took
	for _, img := range res.Items {
		l := img.Labels
		name := repository + ":" + l[labelSnapshot] + "-" + l[labelServer]
		key := l[labelSnapshot] + " " + l[labelSave]
		s := byName[key]
		if s == nil {
			created, _ := time.Parse(time.RFC3339, l[labelCreated])
			s = &Snapshot{
				Key: l[labelSnapshot], Lab: l[labelLab], Created: created, Used: created,
				secret: l[labelSecret], images: map[string]string{}, files: map[string]string{},
			}
			_ = json.Unmarshal([]byte(l[labelPrint]), &s.print)
			if info, err := os.Stat(usedFile(state, s.Key)); err == nil && info.ModTime().After(created) {
				s.Used = info.ModTime()
			}
			byName[key] = s
		}
		base, _ := strconv.ParseInt(l[labelBase], 10, 64)
		s.Size += max(0, img.Size-base)
		s.ids = append(s.ids, img.ID)
		if slices.Contains(img.RepoTags, name) {
			s.images[l[labelServer]], s.files[l[labelServer]] = name, l[labelFiles]
			s.Servers = append(s.Servers, l[labelServer])
		}
		n, err := strconv.Atoi(l[labelServers])
		s.whole = err == nil && len(s.images) == n
	}
	list := make([]Snapshot, 0, len(byName))
	for _, s := range byName {
		slices.Sort(s.Servers)
		list = append(list, *s)
	}
	slices.SortFunc(list, func(a, b Snapshot) int { return b.Used.Compare(a.Used) })
	return list, nil
}

// makeKey hashes all that the seeded state follows from: the lab's seed, the
// servers' images and how they are started. Host ports and secrets are left
// out, for they differ from run to run.
func (r *Rig) makeKey() (string, error) {
	type server struct {
		Name, Engine, Image string
		Spec                Spec
	}
	in := struct {
		Format  int // of snapshots; raise it when old ones can't be used any more
		Lab     string
		Seed    uint64
		Files   map[string]string
		Servers []server
	}{Format: 1, Lab: r.env.Lab, Seed: r.env.Seed}
	var err error
	if in.Files, err = seedFiles(r.env.Dir); err != nil {
		return "", err
	}
	r.keying = true
	defer func() { r.keying = false }()
	for _, n := range r.nodes {
		img := r.images[n.srv.Engine()]
		spec := n.srv.Spec(img, func(port int) int { return port })
		in.Servers = append(in.Servers, server{n.Name(), n.srv.Engine(), img.ID, spec})
	}
	b, err := json.Marshal(in) // maps are written in the order of their keys
	if err != nil {
		return "", fmt.Errorf("make key of snapshot: %w", err)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8]), nil
}

// seedFiles reads what a lab's data is made from: its files called seed…, or
// lab.go if it has none.
func seedFiles(dir string) (map[string]string, error) {
	if dir == "" {
		return nil, nil
	}
	names, err := filepath.Glob(filepath.Join(dir, "seed*"))
	if err != nil {
		return nil, fmt.Errorf("find seed of lab: %w", err)
	}
	if len(names) == 0 {
		names = []string{filepath.Join(dir, "lab.go")}
	}
	files := map[string]string{}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read seed of lab: %w", err)
		}
		files[filepath.Base(name)] = string(b)
	}
	return files, nil
}

// Secret is a password for name, random and yet the same in every run from one
// snapshot: what the seed set it to is what it is. It is known from Start on,
// in Server.Spec and after it, and not when the server is made.
func (r *Rig) Secret(name string) string {
	if r.keying {
		return "secret " + name
	}
	if r.secret == "" {
		panic("rig: Secret is not known before Start")
	}
	h := hmac.New(sha256.New, []byte(r.secret))
	h.Write([]byte(name))
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// find returns the snapshot to start from, nil if there is none.
func (r *Rig) find(ctx context.Context) (*Snapshot, error) {
	list, err := snapshots(ctx, r.engine, r.state, labelSnapshot+"="+r.key)
	if err != nil {
		return nil, err
	}
	for _, s := range list {
		if s.whole && len(s.images) == len(r.nodes) {
			s.use(r.state)
			return &s, nil
		}
	}
	return nil, nil
}

// Save stops the servers cleanly, commits them and starts again from the
// snapshot, so that the run that seeds and those after it find the same.
// Snapshots that this lab had before are removed, and those last used longest
// ago until all fit into LAB_SNAPSHOT_GB (10).
func (r *Rig) Save(ctx context.Context, fp lab.Fingerprint) error {
	ctx, done, err := r.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	if err := r.each(ctx, func(ctx context.Context, n *Node) error { return n.endCleanly(ctx) }); err != nil {
		return fmt.Errorf("save snapshot: %w", err)
	}
	unlock, err := lockSnapshots(ctx, r.state, true)
	if err != nil {
		return err
	}
	defer unlock()
	print, err := json.Marshal(fp)
	if err != nil {
		return fmt.Errorf("save snapshot: %w", err)
	}
	labels := map[string]string{
		labelSnapshot: r.key, labelSave: randomHex(8), labelServers: strconv.Itoa(len(r.nodes)),
		labelPrint: string(print), labelSecret: r.secret, labelCreated: time.Now().UTC().Format(time.RFC3339),
	}
	from := map[string]string{}
	for _, n := range r.nodes {
		from[n.Name()] = repository + ":" + r.key + "-" + n.Name()
	}
	err = r.each(ctx, func(ctx context.Context, n *Node) error {
		if err := n.commit(ctx, from[n.Name()], labels, r.images[n.srv.Engine()]); err != nil {
			return err
		}
		n.has = n.files
		return removeContainer(ctx, r.engine, n.id())
	})
	if err != nil {
		return fmt.Errorf("save snapshot: %w", err)
	}
	(&Snapshot{Key: r.key, Lab: r.env.Lab}).use(r.state)
	if err := r.evict(ctx); err != nil {
		return err
	}
	return r.up(ctx, from, unlock)
}

// endCleanly stops a server for good and wants it to have written all it had.
func (n *Node) endCleanly(ctx context.Context) error {
	_ = n.srv.Close() // clients that complain about a server on its way down are none of ours
	if err := n.Stop(ctx); err != nil {
		return err
	}
	res, err := n.rig.engine.api.ContainerInspect(ctx, n.id(), client.ContainerInspectOptions{})
	if err != nil {
		return fmt.Errorf("inspect %s: %w", n.Name(), err)
	}
	// 143 is SIGTERM itself, as the JVM reports a clean end.
	if st := res.Container.State; st.OOMKilled || st.ExitCode != 0 && st.ExitCode != 143 {
		tail, _ := n.logs(ctx, "20")
		return fmt.Errorf("stop %s: it ended with status %d; the end of its log:\n%s", n.Name(), st.ExitCode, indent(tail))
	}
	return nil
}

// commit keeps the stopped container as an image.
func (n *Node) commit(ctx context.Context, name string, labels map[string]string, base docker.Image) error {
	l := map[string]string{
		labelLab: n.rig.env.Lab, labelServer: n.Name(), labelBase: strconv.FormatInt(base.Size, 10), labelFiles: n.files,
	}
	for k, v := range labels {
		l[k] = v
	}
	for k := range owner.Labels("") { // the image inherits the container's, and has no owner
		l[k] = ""
	}
	_, err := n.rig.engine.api.ContainerCommit(ctx, n.id(), client.ContainerCommitOptions{
		Reference: name, NoPause: true, Config: &container.Config{Labels: l},
	})
	if err != nil {
		return fmt.Errorf("commit %s: %w", n.Name(), err)
	}
	return nil
}

// evict removes the snapshots that are spent. What a running container still
// needs stays until the next time.
func (r *Rig) evict(ctx context.Context) error {
	list, err := snapshots(ctx, r.engine, r.state, labelSnapshot)
	if err != nil {
		return err
	}
	for _, s := range spent(list, r.env.Lab, r.key, budget(), time.Now()) {
		if err := s.remove(ctx, r.engine, r.state); err != nil && !errdefs.IsConflict(err) {
			return err
		}
	}
	return nil
}

// spent picks, from snapshots with the last used first, those to remove after
// the lab has saved the one called key: its others, the halves that killed
// Saves left, and what was last used longest ago until the rest fits budget.
func spent(list []Snapshot, lab, key string, budget int64, now time.Time) (gone []Snapshot) {
	for _, s := range list {
		if s.whole && s.Lab == lab && s.Key == key {
			budget -= s.Size
		}
	}
	for _, s := range list {
		switch {
		case s.Lab == lab && s.whole && s.Key == key:
		case s.Lab == lab:
			gone = append(gone, s)
		case !s.whole && now.Sub(s.Created) < time.Hour:
			// Perhaps another machine is just saving it on this engine.
		case s.whole && s.Size <= budget:
			budget -= s.Size
		default:
			gone = append(gone, s)
		}
	}
	return gone
}

// budget is the bytes that all snapshots together may take.
func budget() int64 {
	gb, err := strconv.ParseFloat(os.Getenv("LAB_SNAPSHOT_GB"), 64)
	if err != nil || gb < 0 {
		gb = 10
	}
	return int64(gb * 1e9)
}

func (s *Snapshot) remove(ctx context.Context, e *daemon, state string) error {
	var errs []error
	for _, id := range s.ids {
		_, err := e.api.ImageRemove(ctx, id, client.ImageRemoveOptions{PruneChildren: true})
		if err != nil && !errdefs.IsNotFound(err) {
			errs = append(errs, fmt.Errorf("remove snapshot of %s: %w", s.Lab, err))
		}
	}
	if s.whole {
		_ = os.Remove(usedFile(state, s.Key))
	}
	return errors.Join(errs...)
}

// use notes that the snapshot was needed now.
func (s *Snapshot) use(state string) {
	_ = os.WriteFile(usedFile(state, s.Key), []byte(s.Lab+"\n"), 0o666)
}

func usedFile(state, key string) string { return filepath.Join(state, "used-"+key) }

// lockSnapshots keeps snapshots from going away while one is started from, and
// keeps two from being saved at a time.
func lockSnapshots(ctx context.Context, state string, alone bool) (unlock func(), err error) {
	if err := shared(state); err != nil {
		return nil, err
	}
	l := flock.New(filepath.Join(state, "snapshots.lock"), flock.SetPermissions(0o666))
	lock := l.TryRLockContext
	if alone {
		lock = l.TryLockContext
	}
	if _, err := lock(ctx, 20*time.Millisecond); err != nil {
		return nil, fmt.Errorf("lock snapshots: %w", err)
	}
	return func() { _ = l.Close() }, nil // may be called again
}
