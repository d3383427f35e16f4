// A stand-in for nfs-subdir-external-provisioner v4.0.2, whose module no proxy serves. It runs on the same controller
// library and keeps upstream's contract for folders, PersistentVolumes, onDelete and archiveOnDelete. Every other class
// parameter is refused, so that a class which means something else to upstream cannot pass here unnoticed.
package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	v1 "k8s.io/api/core/v1"
	storage "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
	"sigs.k8s.io/sig-storage-lib-external-provisioner/v13/controller"
)

// share is where the Deployment mounts the exported path.
const share = "/persistentvolumes"

type provisioner struct {
	client       kubernetes.Interface
	server, path string
}

// refusal says why a claim cannot be served, or is nil.
func refusal(claim *v1.PersistentVolumeClaim, class *storage.StorageClass) error {
	if claim.Spec.Selector != nil {
		return errors.New("claim Selector is not supported")
	}
	for name, value := range class.Parameters {
		switch name {
		case "onDelete":
		case "archiveOnDelete":
			if _, err := strconv.ParseBool(value); err != nil {
				return fmt.Errorf("parameter archiveOnDelete of class %s is %q; use \"true\" or \"false\"", class.Name, value)
			}
		default:
			return fmt.Errorf("parameter %s of class %s is not supported by this stand-in provisioner "+
				"(it knows archiveOnDelete and onDelete); use the upstream image for it", name, class.Name)
		}
	}
	return nil
}

// Provision makes the claim's folder, open to all, and describes it as a plain NFS volume; the size is recorded, not enforced.
func (p provisioner) Provision(_ context.Context, o controller.ProvisionOptions) (*v1.PersistentVolume, controller.ProvisioningState, error) {
	if err := refusal(o.PVC, o.StorageClass); err != nil {
		return nil, controller.ProvisioningFinished, err
	}
	name := strings.Join([]string{o.PVC.Namespace, o.PVC.Name, o.PVName}, "-")
	folder := filepath.Join(share, name)
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return nil, controller.ProvisioningFinished, fmt.Errorf("unable to create directory to provision new pv: %w", err)
	}
	if err := os.Chmod(folder, 0o777); err != nil {
		return nil, controller.ProvisioningFinished, err
	}
	return &v1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: o.PVName},
		Spec: v1.PersistentVolumeSpec{
			PersistentVolumeReclaimPolicy: *o.StorageClass.ReclaimPolicy,
			AccessModes:                   o.PVC.Spec.AccessModes,
			MountOptions:                  o.StorageClass.MountOptions,
			Capacity:                      v1.ResourceList{v1.ResourceStorage: o.PVC.Spec.Resources.Requests[v1.ResourceStorage]},
			PersistentVolumeSource: v1.PersistentVolumeSource{
				NFS: &v1.NFSVolumeSource{Server: p.server, Path: filepath.Join(p.path, name)},
			},
		},
	}, controller.ProvisioningFinished, nil
}

// Delete asks the volume's class what becomes of the folder: onDelete decides, else archiveOnDelete, else it is archived.
func (p provisioner) Delete(ctx context.Context, volume *v1.PersistentVolume) error {
	name := filepath.Base(volume.Spec.NFS.Path)
	folder := filepath.Join(share, name)
	if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
		klog.Warningf("path %s does not exist, deletion skipped", folder)
		return nil
	} else if err != nil {
		return err
	}
	className := volume.Annotations[v1.BetaStorageClassAnnotation]
	if className == "" {
		className = volume.Spec.StorageClassName
	}
	if className == "" {
		return errors.New("volume has no storage class")
	}
	class, err := p.client.StorageV1().StorageClasses().Get(ctx, className, metav1.GetOptions{})
	if err != nil {
		return err
	}
	switch class.Parameters["onDelete"] {
	case "delete":
		return os.RemoveAll(folder)
	case "retain":
		return nil
	}
	if value, set := class.Parameters["archiveOnDelete"]; set {
		archive, err := strconv.ParseBool(value)
		if err != nil {
			return err
		}
		if !archive {
			return os.RemoveAll(folder)
		}
	}
	return os.Rename(folder, filepath.Join(share, "archived-"+name))
}

func required(name string) string {
	value := os.Getenv(name)
	if value == "" {
		klog.Fatalf("%s is not set; give it in the environment of the container", name)
	}
	return value
}

func main() {
	server, path, name := required("NFS_SERVER"), required("NFS_PATH"), required("PROVISIONER_NAME")
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		klog.Fatalf("no access to the cluster: %v", err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		klog.Fatalf("no client for the cluster: %v", err)
	}
	// Upstream locks on an Endpoints object and its Role allows only that; this library locks on Leases. One replica
	// with strategy Recreate, as upstream deploys it, needs neither.
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	controller.NewProvisionController(klog.NewContext(ctx, klog.Background()), client, name,
		provisioner{client: client, server: server, path: path}, controller.LeaderElection(false)).Run(ctx)
}
