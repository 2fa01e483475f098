package fix

import (
	"os"
	"sync"
)

// A file of output is cut at maxOutput bytes; the last tailOutput are at hand
// however much was written.
const (
	maxOutput  = 1 << 20
	tailOutput = 64 << 10
)

// output keeps what a program writes: the beginning in a file, the end in memory.
type output struct {
	mu   sync.Mutex
	file *os.File // nil: none is wanted, or it is full
	size int
	last []byte
}

func newOutput(path string) (*output, error) {
	if path == "" {
		return &output{}, nil
	}
	// Another start of the same program goes on in the same file.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, err
	}
	return &output{file: f, size: int(info.Size())}, nil
}

// Write never fails: a program is not to notice how its output is kept.
func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.last = append(o.last, b...)
	if over := len(o.last) - tailOutput; over > 0 {
		o.last = append(o.last[:0], o.last[over:]...)
	}
	if o.file != nil {
		fits := b[:max(0, min(len(b), maxOutput-o.size))]
		o.size += len(fits)
		_, err := o.file.Write(fits)
		if len(fits) < len(b) {
			_, err = o.file.WriteString("\n[output cut at 1 MiB]\n")
		}
		if err != nil || len(fits) < len(b) {
			o.file.Close()
			o.file = nil
		}
	}
	return len(b), nil
}

func (o *output) Close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.file != nil {
		o.file.Close()
		o.file = nil
	}
}

func (o *output) tail() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.last)
}
