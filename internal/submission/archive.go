package submission

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"path"
	"strings"
)

// openArchive tells zip, tar.gz and tar apart by their first bytes.
func openArchive(b []byte) (map[string]entry, reader, error) {
	switch {
	case bytes.HasPrefix(b, []byte("PK\x03\x04")), bytes.HasPrefix(b, []byte("PK\x05\x06")):
		return openZip(b)
	case bytes.HasPrefix(b, []byte("\x1f\x8b")):
		return openTar(func() (io.Reader, error) { return gzip.NewReader(bytes.NewReader(b)) })
	case len(b) > 512 && bytes.HasPrefix(b[257:], []byte("ustar")):
		return openTar(func() (io.Reader, error) { return bytes.NewReader(b), nil })
	}
	return nil, nil, unreadable("it is neither a folder nor a zip, tar or tar.gz file")
}

// listing collects what an archive says that it holds.
type listing map[string]entry

// add notes one entry. A path that leads out of the archive is no accident of any
// archiver, so that nothing of such an archive is taken.
func (l listing) add(name string, k kind) (string, error) {
	clean := strings.ToValidUTF8(strings.ReplaceAll(name, `\`, "/"), "\ufffd") // as old archivers write them
	for strings.HasPrefix(clean, "./") {
		clean = clean[2:]
	}
	clean = strings.TrimRight(clean, "/")
	drive := len(clean) > 1 && clean[1] == ':'
	switch {
	case clean == "." || clean == "":
		return "", nil
	case strings.HasPrefix(clean, "/"), drive, !fs.ValidPath(path.Clean(clean)):
		return "", unreadable("the archive is refused: its entry %q leads out of it", name)
	case len(l) == maxEntries:
		return "", unreadable("the archive is refused: it holds more than %d files", maxEntries)
	}
	clean = path.Clean(clean)
	if strings.Count(clean, "/") > maxDepth {
		return "", unreadable("the archive is refused: its folders lie more than %d deep", maxDepth)
	}
	_, twice := l[clean]
	l[clean] = entry{k, twice && k != folder}
	return clean, nil
}

func openZip(b []byte) (map[string]entry, reader, error) {
	// The reader of the directory has no bound of its own. Each entry there begins
	// with this; a compressed file holds it by chance once in 4 GiB.
	if bytes.Count(b, []byte("PK\x01\x02")) > 2*maxEntries {
		return nil, nil, unreadable("the archive is refused: it holds more than %d files", maxEntries)
	}
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return nil, nil, unreadable("the zip file is damaged: %s", strings.TrimPrefix(err.Error(), "zip: "))
	}
	list, files := listing{}, map[string]*zip.File{}
	for _, f := range z.File {
		k := kindOf(f.Mode())
		if strings.HasSuffix(f.Name, "/") || strings.HasSuffix(f.Name, `\`) {
			k = folder
		}
		name, err := list.add(f.Name, k)
		if err != nil {
			return nil, nil, err
		}
		files[name] = f
	}
	read := func(paths []string) (map[string][]byte, error) {
		texts := map[string][]byte{}
		for _, p := range paths {
			f, err := files[p].Open()
			if err == nil {
				texts[p], err = limited(f)
				f.Close()
			}
			if err != nil {
				return nil, unreadable("%s can't be taken out of the zip file: %s", p, strings.TrimPrefix(err.Error(), "zip: "))
			}
		}
		return texts, nil
	}
	return list, read, nil
}

func openTar(open func() (io.Reader, error)) (map[string]entry, reader, error) {
	list := listing{}
	err := eachOfTar(open, func(h *tar.Header, _ io.Reader) error {
		k := other
		switch h.Typeflag {
		case tar.TypeReg:
			k = file
		case tar.TypeDir:
			k = folder
		case tar.TypeSymlink, tar.TypeLink:
			k = link
		case tar.TypeXGlobalHeader: // git writes the commit's id there
			return nil
		}
		_, err := list.add(h.Name, k)
		return err
	})
	read := func(paths []string) (map[string][]byte, error) {
		again, wanted, texts := listing{}, map[string]bool{}, map[string][]byte{}
		for _, p := range paths {
			wanted[p] = true
		}
		err := eachOfTar(open, func(h *tar.Header, r io.Reader) (err error) {
			if name, err := again.add(h.Name, file); err != nil || !wanted[name] || h.Typeflag != tar.TypeReg {
				return err
			} else if texts[name], err = limited(r); err != nil {
				return err
			}
			return nil
		})
		return texts, err
	}
	return list, read, err
}

// eachOfTar reads through a tar, within its bounds.
func eachOfTar(open func() (io.Reader, error), do func(*tar.Header, io.Reader) error) error {
	r, err := open()
	if err != nil {
		return unreadable("the archive is damaged: %v", err)
	}
	bounded := &io.LimitedReader{R: r, N: maxExpanded}
	t := tar.NewReader(bounded)
	for {
		h, err := t.Next()
		switch {
		case bounded.N <= 0:
			return unreadable("the archive is refused: unpacked it is larger than %d MiB", maxExpanded>>20)
		case errors.Is(err, io.EOF):
			return nil
		case err != nil && !errors.Is(err, tar.ErrInsecurePath):
			return unreadable("the archive is damaged: %v", err)
		}
		if err := do(h, t); err != nil {
			var u *Unreadable
			if errors.As(err, &u) {
				return err
			}
			return unreadable("the archive is damaged: %v", err)
		}
	}
}
